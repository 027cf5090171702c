"""Calls a target on command and says how the calls went: see the Go program in go-grpclb, whose commands it takes."""

import json
import sys
import threading
import time

import grpc

METHOD = "/test.Tokens/Call"
WORKERS = 4
CALL_TIMEOUT = 10


def main():
    target, config, authority = sys.argv[1:4]
    options = [("grpc.dns_enable_srv_queries", 1)]
    # Without a config of its own it asks DNS for one, which C-core does not by itself.
    options.append(("grpc.service_config", config) if config else ("grpc.service_config_disable_resolution", 0))
    if authority:
        with open(authority, "rb") as file:
            channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(file.read()), options)
    else:
        channel = grpc.insecure_channel(target, options)
    ask = channel.unary_unary(METHOD)
    lock = threading.Lock()
    state = {"counts": {}, "errors": {}}
    stopped = threading.Event()
    workers = []

    def call():
        try:
            kind, what = "counts", ask(b"\0", timeout=CALL_TIMEOUT).decode()
        except grpc.RpcError as error:
            kind, what = "errors", error.details()
        with lock:
            state[kind][what] = state[kind].get(what, 0) + 1

    def work():
        while not stopped.is_set():
            call()
            time.sleep(0.001)

    def show():
        print(json.dumps(state), flush=True)
        state["counts"], state["errors"] = {}, {}

    for line in sys.stdin:
        words = line.split()
        if words[0] == "call":
            for _ in range(int(words[1])):
                call()
            show()
        elif words[0] == "start":
            stopped.clear()
            workers = [threading.Thread(target=work) for _ in range(WORKERS)]
            for worker in workers:
                worker.start()
        elif words[0] == "stop":
            stopped.set()
            for worker in workers:
                worker.join()
            show()


main()
