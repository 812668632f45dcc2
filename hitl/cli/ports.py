"""Whether a port is free, and who has it when it is not."""

import socket

import psutil

from hitl.errors import Unavailable


def choose(host: str, port: int) -> int:
    """The port to listen on (0: any free one); Unavailable says who has it, and how to choose another."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise Unavailable(f"HITL_HOST is {host!r}, which is no address of this machine: {error.strerror}.") from None
    family, kind, protocol, _, address = found
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except PermissionError:
            raise Unavailable(f"Port {port} is kept for root. {_another(port)}") from None
        except OSError as error:
            raise Unavailable(_taken(host, port, error)) from None
        return int(probe.getsockname()[1])


def _taken(host: str, port: int, error: OSError) -> str:
    holder = _holder(port)
    if holder is None:
        return f"Cannot listen on {host}, port {port}: {error.strerror}. {_another(port)}"
    return f"Port {port} is taken by {holder}. {_another(port)}"


def _another(port: int) -> str:
    return (
        f"Choose another one with HITL_PORT={port + 1 if port < 65535 else 8000}; HITL_PORT=0 takes any that is free."
    )


def _holder(port: int) -> str | None:
    """Who listens there: pid and name; None when nobody seems to."""
    try:
        listening = [
            c
            for c in psutil.net_connections("tcp")
            if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port
        ]
    except psutil.Error:
        return "another program"
    if not listening:
        return None
    known = [c.pid for c in listening if c.pid]
    return _named(known[0]) if known else "a program of another account"


def _named(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        name, arguments = process.name(), process.cmdline()
    except psutil.Error:
        return f"process {pid}"
    own = "api.main:app" in arguments
    return f"process {pid} ({name})" + (", a Guardian that runs already" if own else "")
