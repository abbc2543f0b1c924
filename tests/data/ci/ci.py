# A CI that only has logs, in the files of the working directory: BUILD/steps,
# BUILD/STEP.log, and BUILD/STEP.do, whose next line says what comes with the
# next request: a status; "more TEXT" or "new TEXT" before the answer; "whole"
# for a 200; "early N" for so many bytes too many.  Writes its port.
import os, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

lock = threading.Lock()

class CI(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *a):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        with lock:
            with open("requests", "a") as f:
                print(self.path, self.headers.get("Range", "-"), file=f)
            if self.headers["Authorization"] != "Bearer ci-token":
                return self.answer(401)
            self.get("." + self.path.replace("/log/", "/"))

    def get(self, path):
        if path.endswith("/steps"):
            if not os.path.exists(path):
                return self.answer(404)
            body = open(path, "rb").read()
            if body[:3].isdigit() and len(body) < 5:
                return self.answer(int(body))
            return self.answer(200, body)
        do, log = "", path + ".log"
        if os.path.exists(path + ".do"):
            lines = open(path + ".do").read().splitlines(True)
            do = lines.pop(0).strip() if lines else ""
            open(path + ".do", "w").writelines(lines)
        if do.isdigit():
            return self.answer(int(do))
        if do.startswith("more ") or do.startswith("new "):
            mode, text = do.split(" ", 1)
            open(log, "a" if mode == "more" else "w").write(
                text.replace("\\n", "\n"))
        if not os.path.exists(log):
            return self.answer(404)
        body = open(log, "rb").read()
        last = int(self.headers["Range"].removeprefix("bytes=-"))
        if do == "whole":
            return self.answer(200, body)
        if do.startswith("early "):
            last += int(do[6:])
        if body == b"" or last <= 0:
            return self.answer(416)
        start = max(0, len(body) - last)
        self.answer(206, body[start:], Content_Range="bytes %d-%d/%d"
            % (start, len(body) - 1, len(body)))

class Server(ThreadingHTTPServer):
    request_queue_size = 64

server = Server(("127.0.0.1", 0), CI)
print(server.server_port, flush=True)
server.serve_forever()
