#!/usr/bin/env bash
# uvloop 0.21.0 under Python: `call_later(0.0014, …)` calls back too early, often at once.
#
# Expected: what asyncio's own loop does, never before the delay is over, as measured by the monotonic
# clock. Seen: most of a hundred calls come early, some by nearly the whole delay. The delay is rounded to
# whole milliseconds, and counted from a time that the loop noted earlier, in whole milliseconds too: 1.4 ms
# become one tick, of which any part may be over. asyncio's loop, in the same program, is never early.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check uvloop==0.21.0

"$folder/python/bin/python" - <<'PYTHON'
import asyncio
import sys
import time
import uvloop

DELAY = 0.0014


async def early():
    loop = asyncio.get_running_loop()
    count = 0
    for _ in range(100):
        done = loop.create_future()
        begin = time.monotonic()
        loop.call_later(DELAY, done.set_result, None)
        await done
        count += time.monotonic() - begin < DELAY
    return count


expected = asyncio.run(early())
seen = uvloop.run(early())
print(f"of 100 timers of 1.4 ms came early: asyncio {expected}, uvloop {uvloop.__version__} {seen}")
sys.exit(0 if expected == 0 and seen > 10 else "this has changed")
PYTHON
