"""A process that verifies a bundle and does nothing else: prints the most memory it took, in KB."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from gateway.translog.verifier import verify_bundle


def main(bundle: str, log_key: str, checkpoint: str) -> None:
    """Verify the bundle with these anchors; it holds."""
    report = verify_bundle(bundle, log_key=log_key, known_checkpoint=checkpoint)
    assert report.verdict.name == "OK", report
    # Not ru_maxrss: that of a child begins with what its parent took.
    most = re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text("ascii"))
    assert most is not None
    sys.stdout.write(f"{most[1]}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
