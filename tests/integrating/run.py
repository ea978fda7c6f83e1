#!/usr/bin/env python3
"""Runs the examples of docs/integrating.md against a running suite, in their order.

    tests/integrating/run.py BASE_URL ACCOUNTS [GUIDE]

ACCOUNTS is a file such as demo-accounts.json; the first account with the role `integrator` is used. A block is run when
`<!-- run -->` stands above it; with `<!-- run expect: TEXT -->` its output must hold TEXT. What a shell block exports, the
blocks after it see. Blocks run in the root of the repository; `grpcurl` is a call of that name where it is installed, and of
grpcurl.py beside this file where it is not. Ends with 1 at the first block that fails, and prints that block; secrets stay in the blocks' own
output, which is only printed then.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BLOCK = re.compile(
    r"^<!-- run(?: expect: (?P<expect>[^\n]*?))? -->\n+```(?P<language>\w+)\n(?P<code>.*?)^```$", re.M | re.S
)
MARK = re.compile(r"^<!-- run", re.M)
ROOT = Path(__file__).resolve().parents[2]
# Long enough for a suite in an unoptimised build on a busy machine.
LIMIT = 60


def account(path):
    for candidate in json.loads(Path(path).read_text())["accounts"]:
        if candidate["role"] == "integrator":
            return candidate["username"], candidate["password"]
    sys.exit(f"{path} has no account with the role integrator")


def run(block, state):
    """Runs a block; answers what it printed, or ends."""
    code = block["code"]
    if block["language"] == "sh":
        exports = state / "exports"
        command = ["bash", "-euo", "pipefail", "-c", f'source "{exports}"\n{code}\nexport -p >"{exports}"']
    elif block["language"] == "python":
        script = state / "block.py"
        script.write_text(code)
        command = ["bash", "-c", f'source "{state / "exports"}" && exec "{sys.executable}" "{script}"']
    else:
        sys.exit(f"no way to run a block of {block['language']}")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False, cwd=ROOT)
    except subprocess.TimeoutExpired:
        return f"no end within {LIMIT} seconds", False
    output = done.stdout + done.stderr
    return output, done.returncode == 0 and (block["expect"] or "") in output


def stand_in(folder):
    """Puts a `grpcurl` into a folder that is looked into first, where there is none."""
    if shutil.which("grpcurl"):
        return
    call = folder / "grpcurl"
    call.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT}/tests/integrating/grpcurl.py" "$@"\n')
    call.chmod(0o755)
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    base_url, accounts = sys.argv[1:3]
    guide = Path(sys.argv[3]) if len(sys.argv) == 4 else ROOT / "docs" / "integrating.md"
    text = guide.read_text()
    blocks = [match.groupdict() | {"line": text.count("\n", 0, match.start()) + 1} for match in BLOCK.finditer(text)]
    if len(blocks) != len(MARK.findall(text)) or not blocks:
        sys.exit(f"{guide}: a run mark stands above no block")
    user, password = account(accounts)
    os.environ |= {"BASE_URL": base_url.rstrip("/"), "MPP_USER": user, "MPP_PASSWORD": password}
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        (state / "exports").touch()
        (state / "bin").mkdir()
        stand_in(state / "bin")
        for block in blocks:
            output, good = run(block, state)
            if not good:
                print(f"{guide}:{block['line']}: this block failed\n{block['code']}\n--- its output\n{output}")
                if block["expect"]:
                    print(f"--- expected in it: {block['expect']}")
                sys.exit(1)
            print(f"{guide.name}:{block['line']}: ok", flush=True)
    print(f"{len(blocks)} examples ran")


if __name__ == "__main__":
    main()
