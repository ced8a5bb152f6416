"""Overhead per cached step of joblib.Memory and Hamilton's cache, for a chain of steps that return small numbers.

    pip install joblib sf-hamilton
    python benches/store/peers.py

The same work as `cargo bench --features store --bench store -- --quick` («all steps cached»): the best of a few runs, all of
whose steps are in the cache, divided by the number of steps.
"""

import logging
import shutil
import tempfile
import time

STEPS = 1000
ROUNDS = 5


def best(run):
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        assert run() == STEPS
        times.append(time.perf_counter() - begin)
    return min(times) / STEPS * 1e6


def with_joblib(folder):
    import joblib

    memory = joblib.Memory(folder, verbose=0)

    def add_one(before, step):
        return before + 1

    add_one = memory.cache(add_one)

    def run():
        value = 0
        for step in range(STEPS):
            value = add_one(value, step)
        return value

    run()
    return joblib.__version__, best(run)


def with_hamilton(folder):
    from hamilton import driver
    from hamilton.version import VERSION

    logging.disable(logging.WARNING)
    source = ["def step_0(start: int) -> int:\n    return start + 1\n"]
    source += [f"def step_{n}(step_{n - 1}: int) -> int:\n    return step_{n - 1} + 1\n" for n in range(1, STEPS)]
    import importlib.util
    import pathlib
    import sys

    path = pathlib.Path(folder, "chain.py")
    path.write_text("\n".join(source))
    spec = importlib.util.spec_from_file_location("chain", path)
    chain = importlib.util.module_from_spec(spec)
    sys.modules["chain"] = chain
    spec.loader.exec_module(chain)
    sys.setrecursionlimit(100_000)

    def run():
        built = driver.Builder().with_modules(chain).with_cache(path=f"{folder}/cache").build()
        return built.execute([f"step_{STEPS - 1}"], inputs={"start": 0})[f"step_{STEPS - 1}"]

    run()
    return ".".join(map(str, VERSION[:3])), best(run)


for name, measure in [("joblib.Memory", with_joblib), ("Hamilton", with_hamilton)]:
    folder = tempfile.mkdtemp()
    try:
        version, each = measure(folder)
        print(f"{name} {version}: {each:.0f} us a cached step, {STEPS} steps, the best of {ROUNDS}")
    except ImportError:
        print(f"{name}: not installed")
    finally:
        shutil.rmtree(folder)
