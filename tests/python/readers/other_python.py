"""Readers that have a Python environment of their own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path


def asked(environment: str, script: str, question: object) -> list:
    """Runs a script of this folder in the Python that the variable `environment` names.

    The script gets the question as JSON and prints the answer as JSON.
    """
    done = subprocess.run(
        [os.environ[environment], Path(__file__).with_name(script)],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
