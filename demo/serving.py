"""An installation that keeps running, for vendors to try their client against."""
from demo.story import Story
from demo.terminal import Teller
def keep_serving(story: Story, teller: Teller, port: int | None) -> None: ...
