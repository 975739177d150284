"""`python -m demo`: show the main job, end to end, on this machine. `make demo` and `make serve` run it."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from demo.serving import keep_serving
from demo.story import Story
from demo.terminal import Teller


def main(arguments: Sequence[str]) -> int:
    """Return 0 if everything holds, 1 if not; the failure is told."""
    options = _options(arguments)
    # Either signal ends it as an error would: what was started is stopped, the folder goes away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    teller = Teller(Console(stderr=options.json))
    with _folder(options.keep) as folder:
        story = Story(teller, folder)
        try:
            if options.serve:
                keep_serving(story, teller, options.port)
                return 0
            story.play()
        except Exception as error:
            teller.tell_failure(error, story.log_lines())
            return 1
        except KeyboardInterrupt:
            return 130
    teller.sum_up()
    if options.json:
        sys.stdout.write(json.dumps(teller.transcript.as_json(), ensure_ascii=False, indent=2) + "\n")
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m demo", description="Bropost, end to end, on this machine."
    )
    parser.add_argument(
        "--json", action="store_true", help="print a transcript; the story goes to standard error"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="make the installation in this empty folder, keep it"
    )
    parser.add_argument("--serve", action="store_true", help="keep the installation running until Ctrl-C")
    parser.add_argument(
        "--port", type=int, default=None, help="TCP port with --serve; default: 8443, or a free one"
    )
    return parser.parse_args(arguments)


@contextmanager
def _folder(kept: Path | None) -> Generator[Path]:
    """The folder of the installation: a new one that goes away at the end, or the one to keep."""
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="bropost-demo-") as name:
            yield Path(name)
        return
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(kept.iterdir()):
        sys.exit(f"{kept} is not empty")
    yield kept.resolve()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
