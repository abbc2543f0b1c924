# SPDX-License-Identifier: ISC
"""A WebSocket client by plain sockets, which can also break the rules."""
import base64, os, socket, struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG, FIN = 0, 1, 2, 8, 9, 10, 128
PATIENCE = 300  # seconds that an answer may take


def frame(opcode, data=b"", fin=True, rsv=0, mask=b"\x37\xfa\x21\x3d",
        length=None, form=None):
    """A frame; form forces 7, 16 or 64 bits of length."""
    n = len(data) if length is None else length
    first = opcode | rsv << 4 | (FIN if fin else 0)
    bit = 128 if mask is not None else 0
    if form == 7 or form is None and n < 126:
        head = struct.pack("BB", first, bit | n)
    elif form == 16 or form is None and n < 65536:
        head = struct.pack(">BBH", first, bit | 126, n)
    else:
        head = struct.pack(">BBQ", first, bit | 127, n)
    if mask is None:
        return head + data
    wide = (mask * (len(data) // 4 + 1))[:len(data)]
    return head + mask + (int.from_bytes(data, "big") ^
        int.from_bytes(wide, "big")).to_bytes(len(data), "big")


def handshake(path="/events", extra="", key=None):
    key = key or base64.b64encode(os.urandom(16)).decode()
    return ("GET %s HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
        "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: %s\r\n%s\r\n" % (path, key, extra)).encode()


class Client:
    """The server's answer is head; what came behind it is in buffer."""
    def __init__(self, port, sent=None, timeout=PATIENCE, receive=None):
        self.socket = socket.socket()
        if receive:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                receive)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.socket.sendall(sent or handshake())
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                break
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        self.head = bytes(head)
        self.open = b" 101 " in self.head

    def more(self, most=1 << 18):
        """Read what is there; nothing is the end."""
        chunk = self.socket.recv(most)
        self.buffer += chunk
        return chunk

    def send(self, opcode, data=b"", **how):
        self.socket.sendall(frame(opcode, data, **how))

    def take(self):
        """A whole frame out of the buffer, (first byte, data), or None."""
        buffer = self.buffer
        if len(buffer) < 2:
            return None
        n, head = buffer[1], 2
        if n == 126:
            head = 4
        elif n == 127:
            head = 10
        elif n > 127:
            raise ValueError("the server masks what it sends")
        if len(buffer) < head:
            return None
        if head > 2:
            n = int.from_bytes(buffer[2:head], "big")
        if len(buffer) < head + n:
            return None
        got = buffer[0], bytes(buffer[head:head + n])
        del buffer[:head + n]
        return got

    def frame(self):
        """The next frame of the server, None at the end."""
        while (got := self.take()) is None:
            if not self.more():
                return None
        return got

    def close(self):
        self.socket.close()
