"""The floor: one uvicorn process, one SQLite table per noun, a commit per request; a bare keep-alive client.

It keeps no other promise (no auth, no validation, no artifacts), so it is a bound and not a design.
"""

from common import adapter

_idle = adapter("idle", "limit")
REQUIREMENTS, DISTRIBUTION = _idle.REQUIREMENTS, _idle.DISTRIBUTION
SERVER = '''
import sqlite3, orjson
db = sqlite3.connect("limit.db", isolation_level=None)
db.executescript("""pragma journal_mode=wal; pragma synchronous=normal;
create table if not exists run(id integer primary key);
create table if not exists point(run int, key text, value real, step int);
create index if not exists point_run on point(run, key);
create table if not exists param(run int, key text, value text, primary key(key, value, run)) without rowid;
create table if not exists last(run int, key text, value real, primary key(run, key)) without rowid;
create index if not exists last_key on last(key, value);""")
SEARCH = """select b.value from param p join last a on a.run = p.run and a.key = 'm0' join last b on b.run = p.run and b.key = 'm1'
where p.key = 'p0' and p.value = '3' and a.value > 0.5 order by b.value desc limit ?"""

ORDER = "select value from last where key = 'm1' order by value desc limit ?"

def points(run, rows):
    db.executemany("insert into point values(?,?,?,?)", [(run, *r) for r in rows])
    db.executemany("insert or replace into last values(?,?,?)", [(run, k, v) for k, v in {k: v for k, v, _ in rows}.items()])

def do(path, b):
    if path == "/search":
        return [r[0] for r in db.execute(SEARCH, (b["limit"],))]
    if path == "/order":
        return [r[0] for r in db.execute(ORDER, (b["limit"],))]
    if path == "/history":
        return db.execute("select value, step from point where run = ? and key = ? order by step", (b["run"], b["key"])).fetchall()
    db.execute("begin immediate")
    run = b.get("run") or db.execute("insert into run default values").lastrowid
    if b.get("params"):
        db.executemany("insert into param values(?,?,?)", [(run, k, v) for k, v in b["params"].items()])
    points(run, b.get("points", []))
    db.execute("commit")
    return run

async def app(scope, receive, send):
    body, more = b"", True
    while more:
        part = await receive()
        body, more = body + part.get("body", b""), part.get("more_body", False)
    out = orjson.dumps(do(scope["path"], orjson.loads(body))) if body else b"ok"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(out)).encode())]})
    await send({"type": "http.response.body", "body": out})
'''


def server(box):
    argv, url = _idle.server(box)
    box.write("nothing.py", SERVER)
    return argv, url


def target(box, url):
    return url


class Client:
    """Runs under the peer's own interpreter."""

    def __init__(self, target):
        import http.client
        import urllib.parse

        import orjson

        self.json = orjson
        self.http = http.client.HTTPConnection(urllib.parse.urlsplit(target).netloc)

    def _do(self, path, body):
        self.http.request("POST", path, self.json.dumps(body))
        return self.json.loads(self.http.getresponse().read())

    def new_run(self):
        return self._do("/write", {})

    def log(self, run, key, value, step):
        self._do("/write", {"run": run, "points": [(key, value, step)]})

    def log_batch(self, run, points):
        self._do("/write", {"run": run, "points": points})

    def store(self, params, metrics):
        self._do("/write", {"params": params, "points": [(k, v, 0) for k, v in metrics.items()]})

    def search(self, limit):
        return self._do("/search", {"limit": limit})

    def order(self, limit):
        return self._do("/order", {"limit": limit})

    def history(self, run, key):
        return len(self._do("/history", {"run": run, "key": key}))

    def close(self):
        self.http.close()
