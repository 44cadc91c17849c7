"""`make demo-permits`: a working day in a minute, with and without delays, and to the minute."""

import re
import subprocess
import sys

from tests.journeys.house import ROOT

# What of the day must be seen; minutes differ a little with the machine.
PROMISED = (
    r"✓ A6 .* 9 tasks decided, .*; [5-9] departments at once",
    r"✓ A7 .* ¥12000\.00 for soil-conservation, by card after a step-up .* by \d\d-\d\d 17:00",
    r"✓ A8 .* 8 permits 许可 granted, SHA-256 [0-9a-f]{12}…; over \d\d-\d\d \d\d:\d\d",
    *(
        rf"✓ A9 .* {count} of 8 .* PDF of \d+ KiB, valid 有效 for anybody \(李\*\), SD-JWT VC"
        for count in range(1, 9)
    ),
    r"✓ A11 .* = \d+ of 420 working minutes, none without owner; \d+ min until it was paid",
    r"✓ A12 .* figures, difference 0",
    r"✓ B1 .* ¥12000\.00 paid at once",
    r"✓ B6 .*soil-conservation; warning on the lists 督办 of housing-construction-bureau, gov",
    r"✓ B7 .*soil-conservation; overdue on the lists 督办 of housing-construction-bureau, gov",
    r"✓ B8 .* figures, difference 0",
    r"✓ B13 .*water-bureau .* late 超时",
    r"✓ B14 .* min: .*natural-resources-bureau \d{3}; and so for each of the tasks",
    r"✓ B15 .* figures, difference 0",
)


def test_a_working_day_and_its_delays_are_as_promised() -> None:
    command = [sys.executable, "-m", "sandbox.fresh", "flask", "--app", "wsgi", "demo-permits"]
    shown = subprocess.run(  # noqa: S603 - our own command
        command, cwd=ROOT, capture_output=True, text=True, timeout=540, check=False
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
    lines = shown.stdout.splitlines()
    for promise in PROMISED:
        assert any(re.match(promise, line) for line in lines), (promise, shown.stdout)
    steps = [line for line in lines if line.startswith("✓ ")]
    assert len(steps) == len(lines) - 1
    assert re.match(rf"完成 All {len(steps)} steps are as promised: ", lines[-1])
