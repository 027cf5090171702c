"""Calls a target without pause and says on demand how the calls went: see the Go program beside this one."""

import json
import sys
import threading
import time

import grpc

METHOD = "/fairlead.test.Who/Ask"
WORKERS = 4
CALL_TIMEOUT = 20


def main():
    channel = grpc.insecure_channel(sys.argv[1])
    ask = channel.unary_unary(METHOD)
    wait = len(sys.argv) > 2
    lock = threading.Lock()
    state = {"counts": {}, "errors": []}

    def work(user):
        while True:
            try:
                name = ask(b"", timeout=CALL_TIMEOUT, metadata=[("user", str(user))], wait_for_ready=wait).decode()
                with lock:
                    state["counts"][name] = state["counts"].get(name, 0) + 1
            except grpc.RpcError as error:
                with lock:
                    state["errors"].append(f"{error.code()}: {error.details()}")
            time.sleep(0.002)

    for user in range(WORKERS):
        threading.Thread(target=work, args=[user], daemon=True).start()
    for _ in sys.stdin:
        with lock:
            print(json.dumps(state), flush=True)
            state["counts"], state["errors"] = {}, []


main()
