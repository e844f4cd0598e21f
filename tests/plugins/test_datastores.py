from __future__ import annotations

import hashlib
import http.server
import os
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from zaffre.base.errors import Conflict, Forbidden, InvalidRequest, NotFound, Unavailable
from zaffre.plugins.datastores import opening
from zaffre.plugins.datastores.address import azure, hide
from zaffre.plugins.datastores.fetch import fetch, fingerprint
from zaffre.plugins.datastores.guard import Guard
from zaffre.plugins.datastores.opening import open_filesystem
from zaffre.plugins.datastores.remote import Remote
from zaffre.plugins.datastores.resolver import Resolver
from zaffre.plugins.datastores.survey import changed, survey
from zaffre.plugins.datastores.upload import upload
from zaffre.ports.content import Location

HERE = Guard(["127.0.0.0/8"])


class Files(http.server.BaseHTTPRequestHandler):
    """Serves a dict of bytes with ETag and ranges; `/to?<url>` redirects; counts the bytes it sent."""

    files: dict[str, bytes]
    sent: list[str]
    logins: list[str | None]
    read: list[str | None]  # logins but those of redirects
    break_after: int | None

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        self.logins.append(self.headers.get("Authorization"))
        path, _, query = self.path.partition("?")
        if path != "/to":
            self.read.append(self.headers.get("Authorization"))
        if path == "/to":
            self.send_response(302)
            self.send_header("Location", query)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        data = self.files.get(path)
        if data is None:
            self.send_error(404)
            return
        etag, asked = hashlib.md5(data).hexdigest(), re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if asked:
            first, last = int(asked[1]), min(int(asked[2]), len(data) - 1)
            if type(self).break_after is not None and first >= type(self).break_after:
                self.send_error(500)
                return
            total, data = len(data), data[first : last + 1]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{total}")
        else:
            self.send_response(200)
        self.send_header("ETag", f'"{etag}"')
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            type(self).sent.append(self.headers.get("Range", "all"))
            self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, type[Files]]]:
    handler = type(
        "Handler",
        (Files,),
        {"files": {"/d/a.csv": b"x\n1\n"}, "sent": [], "logins": [], "read": [], "break_after": None},
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}", handler
        running.shutdown()


def test_http_file_is_fetched_once_for_each_state(server: tuple[str, type[Files]], tmp_path: Path) -> None:
    base, handler = server
    resolver = Resolver({}, guard=HERE)
    location = resolver.resolve(f"{base}/d/a.csv")
    seen: list[tuple[int, int]] = []
    path = fetch(location, tmp_path, resolver, lambda done, total: seen.append((done, total)))
    assert (path.name, path.read_bytes()) == ("a.csv", b"x\n1\n")
    assert seen[-1] == (4, 4)
    downloads = len(handler.sent)
    assert fetch(location, tmp_path, resolver) == path
    assert len(handler.sent) == downloads
    before, mark = survey(location, resolver), fingerprint(location, resolver)
    handler.files["/d/a.csv"] = b"x\n2\n"
    assert fingerprint(location, resolver) != mark
    assert changed(before, survey(location, resolver)) == ["a.csv was changed"]
    assert fetch(location, tmp_path, resolver).read_bytes() == b"x\n2\n"
    assert path.read_bytes() == b"x\n1\n"


def test_http_goes_on_where_it_ended(
    server: tuple[str, type[Files]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, handler = server
    monkeypatch.setattr("zaffre.plugins.datastores.fetch.CHUNK", 1000)
    handler.files["/big"] = data = os.urandom(5500)
    handler.break_after = 3000
    resolver = Resolver({}, guard=HERE)
    location = resolver.resolve(f"{base}/big")
    with pytest.raises(Unavailable, match="big"):
        fetch(location, tmp_path, resolver)
    handler.break_after = None
    handler.sent.clear()
    assert fetch(location, tmp_path, resolver).read_bytes() == data
    assert handler.sent == ["bytes=3000-3999", "bytes=4000-4999", "bytes=5000-5499"]
    assert list((tmp_path / "incoming").iterdir()) == []


def test_http_errors_name_the_place_and_no_token(server: tuple[str, type[Files]], tmp_path: Path) -> None:
    base, _ = server
    resolver = Resolver({}, guard=HERE)
    with pytest.raises(NotFound, match=r"/none$"):
        fetch(resolver.resolve(f"{base}/none?sig=secret"), tmp_path, resolver)
    with pytest.raises(InvalidRequest, match="read only"):
        upload(tmp_path, resolver.resolve(f"{base}/d"), resolver)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_sec_05_private_addresses_are_refused(server: tuple[str, type[Files]], tmp_path: Path, host: str) -> None:
    base, handler = server
    resolver = Resolver({})
    location = resolver.resolve(f"http://{host}:{base.rpartition(':')[2]}/d/a.csv")
    with pytest.raises((Forbidden, InvalidRequest)):
        fetch(location, tmp_path, resolver)
    assert handler.sent == []


def test_sec_05_a_redirect_inside_is_refused(server: tuple[str, type[Files]], tmp_path: Path) -> None:
    base, handler = server
    port = base.rpartition(":")[2]
    handler.files["/d/a.csv"] = b"inside"
    resolver = Resolver({}, guard=Guard(["127.0.0.1"]))  # the first hop is allowed, the second is not
    with pytest.raises(Forbidden, match="private"):
        fetch(resolver.resolve(f"{base}/to?http://127.0.0.2:{port}/d/a.csv"), tmp_path, resolver)
    assert handler.sent == []


def test_sec_05_a_name_that_changes_after_the_check(
    server: tuple[str, type[Files]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, handler = server
    real, calls = socket.getaddrinfo, []

    def rebinding(host: Any, *args: Any, **options: Any) -> Any:
        if host != "rebind.example":
            return real(host, *args, **options)
        calls.append(host)
        return real("127.0.0.1", *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    resolver = Resolver({})
    with pytest.raises(Forbidden, match=re.escape("rebind.example")):
        fetch(resolver.resolve(f"http://rebind.example:{base.rpartition(':')[2]}/d/a.csv"), tmp_path, resolver)
    assert calls
    assert handler.sent == []


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        *((address, True) for address in ("8.8.8.8", "2606:4700::1111")),
        *((address, False) for address in ("10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1")),
        *((address, False) for address in ("0.0.0.0", "224.0.0.1", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "x")),
        *((address, False) for address in ("64:ff9b::a00:1", "2002:7f00:1::", "::1", "127.0.0.1")),
    ],
)
def test_sec_05_which_addresses(address: str, allowed: bool) -> None:
    assert Guard().allows(address) is allowed
    assert Guard(["10.0.0.0/8"]).allows("10.1.2.3")


@pytest.mark.parametrize("url", ["gopher://x/1", "ftp://x/1", "dict://x", "jar:file:///x", "memory://x"])
def test_sec_05_other_schemes(url: str) -> None:
    resolver = Resolver({})
    if "://" in url and not url.startswith("jar"):
        with pytest.raises(InvalidRequest, match="not supported"):
            resolver.open(resolver.resolve(url))
    served = Resolver({}, local_paths=False)
    with pytest.raises((Forbidden, InvalidRequest)):
        served.open(served.resolve(url))
    with pytest.raises(Forbidden):
        Resolver({}, local_paths=False).resolve("file:///etc/passwd")


# --- references


@pytest.fixture
def local(tmp_path: Path) -> Resolver:
    (tmp_path / "blob/sub").mkdir(parents=True)
    (tmp_path / "blob/sub/f.txt").write_text("here")
    (tmp_path / "blob/out").symlink_to("/etc")
    return Resolver({"workspaceblobstore": {"type": "local_folder", "path": str(tmp_path / "blob")}})


def test_a_local_datastore(local: Resolver, tmp_path: Path) -> None:
    location = local.resolve("azureml://datastores/workspaceblobstore/paths/sub/f.txt")
    assert location.local == tmp_path / "blob/sub/f.txt"
    long = "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/workspaceblobstore/paths/sub/"
    assert local.resolve(long).local == tmp_path / "blob/sub"
    assert local.resolve("azureml://datastores/workspaceblobstore").local == tmp_path / "blob"
    assert fetch(location, tmp_path / "cache", local) == location.local
    with pytest.raises(NotFound, match="'nowhere'"):
        local.resolve("azureml://datastores/nowhere/paths/x")
    with pytest.raises(NotFound, match="sub/g"):
        fetch(local.resolve("azureml://datastores/workspaceblobstore/paths/sub/g"), tmp_path, local)


@pytest.mark.parametrize(
    "path",
    [
        "../../etc/passwd",
        "a/../../b",
        "%2e%2e/x",
        "%252e%252e/x",
        "..%2fx",
        "..\\x",
        "a%5c..%5cb",
        "a\0b",
        "out/passwd",
        "..",
    ],
)
def test_sec_01_paths_stay_in_their_datastore(local: Resolver, path: str) -> None:
    with pytest.raises(InvalidRequest):
        local.resolve(f"azureml://datastores/workspaceblobstore/paths/{path}")


@pytest.mark.parametrize("path", ["a#b", "a?b", "a;b", "//host/x", "a%20b"])
def test_sec_02_odd_names_mean_themselves(local: Resolver, tmp_path: Path, path: str) -> None:
    location = local.resolve(f"azureml://datastores/workspaceblobstore/paths/{path}")
    assert location.local == tmp_path / "blob" / path.strip("/")
    clouds = Resolver({"b": {"type": "azure_blob", "account_name": "acct", "container_name": "c"}})
    place = azure(clouds.resolve(f"azureml://datastores/b/paths/{path}").url)
    assert place is not None
    assert (place.account, place.container, place.path) == ("acct", "c", path.strip("/"))


def test_rewrites(tmp_path: Path) -> None:
    (tmp_path / "m/deep").mkdir(parents=True)
    rules = {
        "https://x/": f"file://{tmp_path}/m",
        "https://x/deep/": "https://mirror.example/d",
        "wasbs://data@acct.blob.core.windows.net/": f"file://{tmp_path}/m",
        "https://y/data": str(tmp_path),
    }
    resolver = Resolver({"b": {"type": "azure_blob", "account_name": "acct", "container_name": "data"}}, rewrites=rules)
    found = resolver.resolve("HTTPS://X/a%20b.csv?sv=1&sig=SECRET")
    assert found.local == tmp_path / "m/a b.csv"
    assert found.note == f"HTTPS://X/a%20b.csv is read from file://{tmp_path}/m/a%20b.csv (url rewrite)"
    assert resolver.resolve("https://x/deep/f").url == "https://mirror.example/d/f"
    assert resolver.resolve("https://x/deep/f").trusted
    for form in (
        "https://acct.blob.core.windows.net/data/f",
        "abfss://data@acct.dfs.core.windows.net/f",
        "azureml://datastores/b/paths/f",
    ):
        assert resolver.resolve(form).local == tmp_path / "m/f"
    assert resolver.resolve("https://y/database/f").local is None
    assert resolver.resolve("https://y/data/f").local == tmp_path / "f"
    for path in ("../f", "%2e%2e/f", "a/..%2f..%2ff"):
        with pytest.raises(InvalidRequest):
            resolver.resolve(f"https://x/{path}")


def test_a_rewrite_opens_a_private_mirror(server: tuple[str, type[Files]], tmp_path: Path) -> None:
    base, _ = server
    resolver = Resolver({}, rewrites={"https://data.example/": f"{base}/d/"})
    assert fetch(resolver.resolve("https://data.example/a.csv"), tmp_path, resolver).read_bytes() == b"x\n1\n"


def test_addresses_of_azure() -> None:
    place = azure("https://acct.blob.core.windows.net/c/p/q%23.csv?sv=1&sig=abc")
    assert place is not None
    assert (place.account, place.container, place.path, place.sas) == ("acct", "c", "p/q#.csv", "sv=1&sig=abc")
    assert azure("https://example.org/c/p") is None
    assert azure("s3://b/k") is None
    with pytest.raises(InvalidRequest, match="names no container"):
        azure("https://acct.blob.core.windows.net/")
    with pytest.raises(InvalidRequest, match="wasbs://<container>"):
        azure("wasbs://nothing/x")
    assert hide("https://u:secret@h/p?sig=secret#x") == "https://u@h/p"


def test_clients_and_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Guard, "check_host", lambda *_: None)
    fs, path = open_filesystem("abfss://fs@acct.dfs.core.windows.net/a/b", {"account_key": "a2V5"})
    assert (type(fs).__name__, path) == ("AzureBlobFileSystem", "fs/a/b")
    monkeypatch.setattr(opening.importlib, "import_module", lambda name: (_ for _ in ()).throw(ImportError(name)))
    for url, name in {"s3://b/k": "s3", "wasbs://c@a.blob.core.windows.net/": "azure", "https://h/": "http"}.items():
        with pytest.raises(Unavailable) as caught:
            open_filesystem(url)
        assert caught.value.hint == f"pip install zaffre[{name}]"


def test_a_wrong_datastore_says_which_field() -> None:
    with pytest.raises(InvalidRequest, match="'container_name'"):
        Resolver({"b": {"type": "azure_blob", "account_name": "a"}}).resolve("azureml://datastores/b/paths/x")
    with pytest.raises(InvalidRequest, match="azure_file"):
        Resolver({"b": {"type": "azure_file"}}).resolve("azureml://datastores/b/paths/x")


# --- local folders


def test_upload_to_a_folder(tmp_path: Path) -> None:
    source, target = tmp_path / "s", tmp_path / "t"
    (source / "d").mkdir(parents=True)
    (source / "d/a").write_text("1")
    resolver = Resolver({})
    assert upload(source, resolver.resolve(str(target)), resolver) == 1
    (target / "kept").write_text("k")
    (source / "d/a").write_text("22")
    upload(source, resolver.resolve(str(target)), resolver)
    assert (target / "d/a").read_text() == "22"
    assert (target / "kept").read_text() == "k"
    assert sorted(os.listdir(tmp_path)) == ["s", "t"]
    (source / "leak").symlink_to("/etc/passwd")
    with pytest.raises(InvalidRequest, match="leak"):
        upload(source, resolver.resolve(str(target)), resolver)
    (source / "leak").unlink()
    (target / "d/a").unlink()
    (target / "d").rmdir()
    (target / "d").symlink_to("/tmp")
    with pytest.raises(InvalidRequest, match="leads out"):
        upload(source, resolver.resolve(str(target)), resolver)


def test_a_local_source_that_changed_is_named(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name)
    resolver = Resolver({})
    location = Location(tmp_path.as_uri(), local=tmp_path)
    before = survey(location, resolver)
    assert survey(location, resolver).fingerprint == before.fingerprint
    (tmp_path / "b").write_text("other")
    (tmp_path / "c").unlink()
    (tmp_path / "d").write_text("d")
    assert changed(before, survey(location, resolver)) == ["b was changed (1 -> 5 bytes)", "c is gone", "d is new"]


# --- S3


@pytest.fixture
def s3() -> Iterator[dict[str, Any]]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield {
        "type": "s3", "bucket": "data", "prefix": "root", "region": "eu-west-1",
        "endpoint": f"http://127.0.0.1:{port}",
        "credentials": {"access_key_id": "k", "secret_access_key": "s"},
    }  # fmt: skip
    server.stop()


def test_s3_there_and_back(s3: dict[str, Any], tmp_path: Path) -> None:
    resolver = Resolver({"lake": s3}, guard=HERE)
    fs, _ = resolver.open(resolver.resolve("azureml://datastores/lake"))
    fs.mkdir("data")
    source = tmp_path / "s"
    (source / "sub").mkdir(parents=True)
    (source / "b").write_bytes(b"b" * 10)
    (source / "sub/a # ?.txt").write_bytes(b"a")
    location = resolver.resolve("azureml://datastores/lake/paths/in")
    assert upload(source, location, resolver) == 11
    assert fs.find("data/root") == ["data/root/in/b", "data/root/in/sub/a # ?.txt"]
    folder = fetch(location, tmp_path / "cache", resolver)
    assert (folder / "sub/a # ?.txt").read_bytes() == b"a"
    assert (folder / "b").read_bytes() == b"b" * 10
    assert fetch(location, tmp_path / "cache", resolver) == folder
    one = resolver.resolve("azureml://datastores/lake/paths/in/b")
    assert fetch(one, tmp_path / "cache", resolver).name == "b"
    before = survey(location, resolver)
    fs.pipe_file("data/root/in/b", b"c" * 10)
    assert changed(before, survey(location, resolver)) == ["b was changed"]
    with pytest.raises(NotFound):
        survey(resolver.resolve("azureml://datastores/lake/paths/none"), resolver)
    fs.pipe_file("data/root/evil/../x", b"c")
    with pytest.raises(InvalidRequest, match="x"):
        fetch(resolver.resolve("azureml://datastores/lake/paths/evil"), tmp_path / "cache", resolver)
    strict = Resolver({"lake": s3})
    with pytest.raises(Forbidden, match="private"):
        survey(strict.resolve("azureml://datastores/lake/paths/in"), strict)


def test_a_source_that_changes_meanwhile(server: tuple[str, type[Files]], tmp_path: Path) -> None:
    base, handler = server
    resolver = Resolver({}, guard=HERE)

    def overwrite(done: int, total: int) -> None:
        handler.files["/d/a.csv"] = b"x\n9\n"

    with pytest.raises(Conflict, match=r"a\.csv was changed"):
        fetch(resolver.resolve(f"{base}/d/a.csv"), tmp_path, resolver, overwrite)
    assert fetch(resolver.resolve(f"{base}/d/a.csv"), tmp_path, resolver).read_bytes() == b"x\n9\n"


def test_credentials_are_not_shown_and_http_logs_in(server: tuple[str, type[Files]], tmp_path: Path) -> None:
    base, handler = server
    remote = Remote(allow_private_addresses=True)
    store = {"name": "web", "type": "http", "url": f"{base}/d", "credentials": {"token": "SECRET", "password": None}}
    place = remote.in_datastore(store, "a.csv")
    assert "SECRET" not in repr(place)
    assert remote.fetch(place, tmp_path).read_bytes() == b"x\n1\n"
    assert set(handler.logins) == {"Bearer SECRET"}
    assert remote.fingerprint(place) == remote.survey(place).fingerprint
    with pytest.raises(Forbidden):
        Remote().fingerprint(place)
    handler.logins.clear()
    handler.read.clear()
    port = base.rpartition(":")[2]
    elsewhere = replace(place, url=f"http://localhost:{port}/to?{base}/d/a.csv")
    assert remote.fetch(elsewhere, tmp_path).read_bytes() == b"x\n1\n"
    assert "Bearer SECRET" in handler.logins  # asked of the first host
    assert set(handler.read) == {None}  # not of the one behind the redirect
