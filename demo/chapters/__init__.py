"""The chapters of the story. Each takes its steps through the services alone, and checks what they promise."""
