"""Wall time and peak memory of a whole search, all its processes together.

    python benchmarks/search.py                                        # the default search
    python benchmarks/search.py -- --fitness rdm-contrast              # the same budget without trainings
    python benchmarks/search.py --cold -- --fitness rdm-contrast       # with nothing compiled before
    python benchmarks/search.py -- --dataset cifar10 --data PATH --preset paper

Options after `--` go to `msenas search`. Memory is the proportional set size (shared pages counted once), summed over
the processes and sampled every half second; it is read from /proc, so on Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from msenas.search.prepare import environment


def main() -> None:
    """Run the search and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cold", action="store_true", help="use an empty cache of compiled kernels")
    parser.add_argument("options", nargs="*", help="options of msenas search")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        variables = dict(os.environ)
        if given.cold:
            variables["TORCHINDUCTOR_CACHE_DIR"] = str(Path(folder) / "kernels")
        command = [sys.executable, "-m", "msenas", "search", "--json", "--out", f"{folder}/run", *given.options]
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables)
        peak = 0
        while process.poll() is None:
            peak = max(peak, sum(map(memory, tree(process.pid))))
            time.sleep(0.5)
        seconds = time.perf_counter() - start
        assert process.stdout is not None
        result = json.loads(process.stdout.read())
    about = environment()
    print(about["processor"], f"{about['cores']} cores", about["versions"])
    print(" ".join(command[1:]).replace(folder, "DIR"))
    counts = {key: result[key] for key in ("evaluations", "distinct", "dead", "failed", "front")}
    print(f"{seconds:.1f} s wall, peak memory {peak / 2**30:.2f} GiB in all processes, {counts}")
    print(f"gain over its random part: {result['gain']}")
    for warning in result["warnings"]:
        print(f"note: {warning}")


def tree(root: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def memory(pid: int) -> int:
    """Proportional set size of a process in bytes; 0 once it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    main()
