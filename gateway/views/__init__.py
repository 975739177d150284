"""Readable views: documents as people read them, in plain Danish, and as pages. Pure; beside the wire protocols."""
