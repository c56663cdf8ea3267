"""Time of reading tables beside Polars, as a Markdown table.

    cargo build --profile dist -p exact-cli
    cargo xtask synthesize --out million.csv
    python python/benchmarks/read_csv.py target/dist/exact million.csv [FILE...]

`exact inspect` reads a file, profiles and types its columns; beside it stands `read_csv` of Polars on as many threads,
in a process of its own as well. Both are run in turns; the time is the smallest of five, that of the process as a
whole, and the memory the largest that the process had. Needs Polars.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

RUNS = 5
POLARS = "import polars, sys; polars.read_csv(sys.argv[1], infer_schema_length=10000, null_values=['?', 'NA'])"
NOTHING = "import polars"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("exact", help="the program")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    threads = str(arguments.threads)
    environment = {**os.environ, "POLARS_MAX_THREADS": threads, "RAYON_NUM_THREADS": threads}
    print(f"{threads} threads; time of Polars without that of its start\n")
    print("| file | MB | exact, s | Polars, s | speed | exact, MB | Polars, MB |")
    print("|---|---|---|---|---|---|---|")
    for file in arguments.files:
        commands = {
            "exact": [arguments.exact, "inspect", str(file), "--json"],
            "Polars": [sys.executable, "-c", POLARS, str(file)],
            "start": [sys.executable, "-c", NOTHING],
        }
        runs = {name: [] for name in commands}
        for _ in range(RUNS):
            for name, command in commands.items():
                runs[name].append(measured(command, environment))
        seconds = {name: min(seconds for seconds, _ in of_name) for name, of_name in runs.items()}
        memory = {name: max(memory for _, memory in of_name) for name, of_name in runs.items()}
        polars = seconds["Polars"] - seconds["start"]
        print(
            f"| {file.name} | {file.stat().st_size / 1e6:.0f} | {seconds['exact']:.2f} | {polars:.2f} "
            f"| {polars / seconds['exact']:.2f} | {memory['exact']:.0f} | {memory['Polars']:.0f} |"
        )


def measured(command, environment):
    """The seconds of a command, and the megabytes of its largest resident set."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{command[0]} failed with exit code {process.returncode}")
    return seconds, usage.ru_maxrss / 1e3


if __name__ == "__main__":
    main()
