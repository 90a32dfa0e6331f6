"""Shared by the tests that kill: runs a command, kills it somewhere, says what happened.

A kill comes at a moment of the clock, or at a call that changes files (faults.c): before it, or half-way in a write.
"""
import os, signal, subprocess, time

BIN = os.environ["BIN"]


def calls_of(command, folder):
    """The file-changing calls of a whole run under `folder`, in order."""
    log = folder + ".calls"
    run(command, FAULT_UNDER=folder, FAULT_LOG=log)
    with open(log) as lines:
        return [line.rstrip("\n").replace(folder, "OUT") for line in lines]


def run(command, kill_after=None, threads=1, **faults):
    """Runs it; (exit code, stderr, seconds). Killed with SIGKILL after `kill_after` seconds unless it ends before."""
    env = dict(os.environ, OMP_NUM_THREADS=str(threads), **faults)
    if faults:
        env["LD_PRELOAD"] = BIN + "/tests/e2e/faults.so"
    start = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               env=env, text=True)
    try:
        _, err = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        _, err = process.communicate()
    return process.returncode, err, time.monotonic() - start


def check_order(calls):
    """What must hold so that a loss of power loses nothing: data are synced before their name, the name after."""
    dirty, unsynced_names, problems = set(), [], []
    for number, call in enumerate(calls):
        name, *paths = call.split(" ")
        if name in ("open", "write", "pwrite", "truncate", "flush", "close"):
            dirty.add(paths[0])
        elif name == "fsync":
            dirty.discard(paths[0])
            unsynced_names = [p for p in unsynced_names if os.path.dirname(p) != paths[0]]
        elif name in ("rename", "exchange"):
            late = [d for d in dirty if d == paths[0] or d.startswith(paths[0] + "/")]
            if late:
                problems.append(f"call {number}: {call}: {late} not synced before")
            unsynced_names.append(paths[1])
        elif name in ("unlink", "rmdir"):
            if unsynced_names:
                problems.append(f"call {number}: {call}: before the names {unsynced_names} are synced")
            dirty.discard(paths[0])
    if unsynced_names:
        problems.append(f"at the end the names {unsynced_names} are not synced")
    return problems
