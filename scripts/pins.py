"""Prints what tests/pins.toml pins, in the form that an installer reads.

python scripts/pins.py python GROUP…   requirements for pip, one a line
python scripts/pins.py npm             a package.json for npm
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

PINS = Path(__file__).parents[1] / "tests" / "pins.toml"


def main(form: str, *groups: str) -> None:
    pins = tomllib.loads(PINS.read_text(encoding="utf-8"))
    if form == "npm" and not groups:
        package = {"name": "servers", "private": True, "dependencies": pins["npm"]}
        print(json.dumps(package, indent=2))
    elif form == "python" and groups:
        unknown = [group for group in groups if group not in pins["python"]]
        if unknown:
            sys.exit(f"error: {PINS} has no Python group {', '.join(unknown)}")
        for group in groups:
            print(*pins["python"][group], sep="\n")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:] or [""])
