"""The server over HTTP: what it keeps, what it refuses, and that it tells nothing."""

import re
import signal
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dataset.cli import main
from dataset.survey.database import open_database
from dataset.survey.layout import ANSWERS, TRUTH
from dataset.survey.raters import enter, rater_of
from tests.dataset.command import error_line
from tests.dataset.survey.server import Client, Server, serving
from tests.dataset.survey.surveys import codes, make_survey, sample_id
from tests.processes import run_here

SAMPLES = 12
HOSTILE = {
    3: "<script>window.pwned = 1</script>",
    5: "\"><img src=x onerror='window.pwned = 2'> {{ 7 * 7 }} </h1>",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web") / "survey"
    make_survey(folder, SAMPLES, captions=HOSTILE)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """Without the truth: it must not need it."""
    (folder / TRUTH).rename(folder / "elsewhere")
    with serving(folder) as running:
        yield running
    assert not list(folder.glob(f"{ANSWERS}-wal"))  # an orderly end


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    """Somebody with nothing."""
    client = Client(server.port)
    yield client
    client.close()


@pytest.fixture
def rater(client: Client, folder: Path) -> Client:
    """Somebody who has agreed to take part."""
    assert client.enter(*codes(folder, 1)).place == "/next"
    return client


def answers(folder: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / ANSWERS)) as connection:
        return connection.execute("SELECT rater, sample, revision, guess, rating FROM answer").fetchall()


def newest_rater(folder: Path) -> int:
    with closing(sqlite3.connect(folder / ANSWERS)) as connection:
        return int(connection.execute("SELECT max(id) FROM rater").fetchone()[0])


def test_a_whole_survey_without_a_script(rater: Client, folder: Path) -> None:
    for number in range(SAMPLES):
        place = rater.get("/next").place
        assert place == f"/sample/{number + 1}"
        reply = rater.answer(place, "machine" if number % 3 else "human", number % 6)
        assert reply.status == 303
    assert rater.get("/next").place == "/done"
    assert f"All {SAMPLES} answers are kept" in rater.get("/done").text
    mine = [row for row in answers(folder) if row[0] == newest_rater(folder)]
    assert len(mine) == len({row[1] for row in mine}) == SAMPLES
    assert [row[4] for row in mine] == [number % 6 for number in range(SAMPLES)]


def test_nobody_gets_in_without_code_and_consent(client: Client, folder: Path) -> None:
    image = f"/pictures/{sample_id(0)}.jpg"
    for path in ("/next", "/sample/1", "/done", "/consent", image):
        assert (client.get(path).status, client.get(path).place) == (303, "/")
    assert client.post("/sample/1", {"guess": "human", "rating": 1, "seen": 0}).place == "/"
    assert client.post("/enter", {"code": codes(folder, 1)[0]}).place == "/next"
    for path in ("/next", "/sample/1", "/done", image):
        assert client.get(path).place == "/consent"


def test_a_code_may_be_typed_as_people_do(client: Client, folder: Path) -> None:
    (code,) = codes(folder, 1)
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", code)  # 80 bits
    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert client.post("/enter", {"code": f" {typed} "}).status == 303


def test_codes_and_sessions_are_kept_as_hashes_alone(rater: Client, folder: Path) -> None:
    (code,) = codes(folder, 1)
    stored = b"".join(path.read_bytes() for path in folder.glob(f"{ANSWERS}*"))
    for secret in (code, code.replace("-", ""), rater.cookies["survey_session"]):
        assert secret.encode() not in stored
    assert (folder / ANSWERS).stat().st_mode & 0o077 == 0


def test_every_rater_has_an_own_order_and_keeps_it(server: Server, folder: Path) -> None:
    orders = []
    for code in codes(folder, 3):
        twice = []
        for _ in range(2):  # two devices
            client = Client(server.port)
            client.enter(code)
            pages = [client.get(f"/sample/{place}").text for place in range(1, SAMPLES + 1)]
            twice.append([re.findall(r'img src="/pictures/([0-9a-f]{32})', page)[0] for page in pages])
            client.close()
        assert twice[0] == twice[1]
        orders.append(tuple(twice[0]))
    assert len(set(orders)) == 3
    assert {frozenset(order) for order in orders} == {frozenset(map(sample_id, range(SAMPLES)))}


def test_no_response_holds_the_truth(rater: Client) -> None:
    for number in range(SAMPLES):
        page = rater.get(f"/sample/{number + 1}")
        name = re.findall(r"/pictures/([0-9a-f]{32})", page.text)[0]
        image = rater.get(f"/pictures/{name}.jpg")
        assert image.status == 200
        assert not {"last-modified", "etag", "server", "date-created"} & image.headers.keys()
    for reply in rater.seen:
        assert b"images.example" not in reply.body
        assert b"captions.json" not in reply.body
        assert not re.search(rb"truth|origin|author|machine.only", reply.body)
    pages = {}
    for number in range(SAMPLES):  # human or machine: the same page but for the caption and the places
        text = rater.get(f"/sample/{number + 1}").text
        caption = re.search(r'<h1 dir="auto">(.*?)</h1>', text, re.DOTALL)
        assert caption
        bare = re.sub(r"[0-9a-f]{32,64}|\d+", "#", text.replace(caption[0], ""))
        pages[re.sub(r'<link rel="preload".*?>\n', "", bare)] = number
    assert len(pages) == 1


def test_hostile_captions_are_text(rater: Client) -> None:
    text = "".join(rater.get(f"/sample/{place}").text for place in range(1, SAMPLES + 1))
    assert "&lt;script&gt;window.pwned = 1&lt;/script&gt;" in text
    assert "<script>window" not in text
    assert "<img src=x" not in text
    assert "{{ 7 * 7 }}" in text


def test_every_response_is_protected(rater: Client) -> None:
    paths = (
        "/",
        "/sample/1",
        "/static/survey.js",
        "/nothing",
        f"/pictures/{sample_id(0)}.jpg",
        "/sample/999",
    )
    for path in paths:
        headers = rater.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
    assert rater.get("/sample/1").headers["cache-control"] == "no-store"


def test_the_cookie_is_for_this_site_and_no_script(client: Client, folder: Path) -> None:
    said = client.post("/enter", {"code": codes(folder, 1)[0]}).headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip() for part in said.split(";")}
    assert "secure" not in said
    form = {"code": codes(folder, 1)[0]}
    said = client.post("/enter", form, x_forwarded_proto="https").headers["set-cookie"].lower()
    assert "; secure" in said


@pytest.mark.parametrize(
    "headers",
    [{"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-site"}, {"origin": "https://evil.example"},
     {"origin": "null"}, {"origin": ""}, {"origin": "https://"}, {"origin": "https://["}],
)  # fmt: skip
def test_forms_of_other_sites_are_refused(rater: Client, folder: Path, headers: dict[str, str]) -> None:
    page = rater.get("/sample/1")
    form = {"token": page.hidden("token"), "seen": "0", "guess": "human", "rating": "1"}
    assert rater.post("/sample/1", form, **headers).status == 403
    assert rater.post("/enter", {"code": "x"}, **headers).status == 403
    assert newest_rater(folder) not in {row[0] for row in answers(folder)}


def test_forms_need_their_sessions_token(rater: Client, server: Server, folder: Path) -> None:
    other = Client(server.port)
    other.enter(*codes(folder, 1))
    theirs = other.get("/sample/1").hidden("token")
    other.close()
    before = answers(folder)
    for token in ("", theirs, "é"):
        form = {"token": token, "seen": 0, "guess": "human", "rating": 1, "agree": "yes"}
        for path in ("/sample/1", "/sample/1/undo", "/consent", "/leave"):
            assert rater.post(path, form).status == 403
    assert answers(folder) == before
    ours = f"http://127.0.0.1:{server.port}"
    form = {"token": rater.get("/sample/1").hidden("token"), "seen": 0, "guess": "human", "rating": 1}
    assert rater.post("/sample/1", form, origin=ours, sec_fetch_site="same-origin").status == 303


@pytest.mark.parametrize(
    "change",
    [
        {"guess": "both"}, {"guess": None}, {"rating": "6"}, {"rating": "-1"}, {"rating": "3.5"},
        {"rating": None},
        {"rating": "٣"}, {"rating": " 3"}, {"seen": "-1"}, {"seen": "x"}, {"seen": None}, {"seen": "9" * 40},
        {"more": "x" * 4000}, {f"f{n}": "" for n in range(9)}, {"rating": "5' OR '1'='1"},
    ],
)  # fmt: skip
def test_forms_that_ours_never_send(rater: Client, folder: Path, change: dict[str, str | None]) -> None:
    token = rater.get("/sample/1").hidden("token")
    form = {"token": token, "seen": "0", "guess": "human", "rating": "1"} | change
    before = answers(folder)
    reply = rater.post("/sample/1", {name: value for name, value in form.items() if value is not None})
    assert reply.status in {400, 413}
    assert answers(folder) == before


def test_bodies_that_are_no_forms(rater: Client) -> None:
    assert rater.post("/sample/1", b"{}", content_type="application/json").status == 415
    assert rater.post("/sample/1", b"token=\xff\xfe").status == 400
    assert rater.post("/sample/1", b"seen=0&seen=1").status == 400
    assert rater.ask("DELETE", "/sample/1", None, {}).status == 405


@pytest.mark.parametrize(
    "path",
    [
        "/pictures/..%2ftruth.json", "/pictures/../truth.json", "/pictures/%2e%2e%2felsewhere",
        "/pictures/x.jpg",
        "/pictures/answers.db", "/static/..%2fapp.py", "/static/base.html.jinja", "/sample/0", "/sample/13",
        "/sample/99999999999999999999", "/sample/-1", f"/sample/{'9' * 5000}", "/sample/%D9%A1",
        "/sample/+1", "/truth.json", "/elsewhere", "/answers.db",
    ],
)  # fmt: skip
def test_files_and_places_that_are_not_ours(rater: Client, path: str) -> None:
    reply = rater.get(path)
    assert reply.status == 404
    assert "There is nothing here." in reply.text


def test_the_same_answer_again_is_kept_once_and_an_outdated_one_never(rater: Client, folder: Path) -> None:
    page = rater.get("/sample/1")
    base = {"token": page.hidden("token"), "seen": page.hidden("seen")}
    first, other = base | {"guess": "human", "rating": 5}, base | {"guess": "machine", "rating": 0}
    assert rater.post("/sample/1", first).place == "/sample/2"
    assert rater.post("/sample/1", first).place == "/sample/2"  # a double click
    assert rater.post("/sample/1", other).place == "/sample/1?stale"  # another tab, opened before
    page = rater.get("/sample/1?stale")
    assert "in another window" in page.text
    assert re.search(r'id="human"[^>]* checked', page.text)
    changed = other | {"seen": page.hidden("seen")}
    assert rater.post("/sample/1", changed).place == "/sample/2"
    assert rater.post("/sample/1", first).place == "/sample/2"  # the network's late echo
    assert rater.post("/sample/1", base | {"seen": "7", "guess": "human", "rating": 1}).place.endswith(
        "?stale"
    )
    mine = [row[2:] for row in answers(folder) if row[0] == newest_rater(folder)]
    assert mine == [(1, "human", 5), (2, "machine", 0)]


def test_undo_takes_back_one_answer_however_often_it_is_clicked(rater: Client, folder: Path) -> None:
    for place in ("/sample/1", "/sample/2"):
        rater.answer(place)
    page = rater.get("/sample/3")
    match = re.search(
        r'action="(/sample/2/undo)">\s*<input[^>]*>\s*<input[^>]*name="seen" value="1"', page.text
    )
    assert match
    form = {"token": page.hidden("token"), "seen": 1}
    assert [rater.post(match[1], form).place for _ in range(2)] == ["/sample/2"] * 2
    assert rater.get("/next").place == "/sample/2"
    page = rater.get("/sample/2")
    assert " checked" not in page.text.partition("</form>")[0]
    assert "/sample/1/undo" in page.text
    rater.answer("/sample/2", "machine", 0)
    mine = [row[2:] for row in answers(folder) if row[0] == newest_rater(folder)]
    assert mine == [(1, "human", 4), (1, "human", 4), (2, None, None), (3, "machine", 0)]


def test_leaving_ends_the_session_on_the_server(rater: Client) -> None:
    session = dict(rater.cookies)
    assert rater.post("/leave", {"token": rater.get("/consent").hidden("token")}).place == "/"
    rater.cookies = session
    assert rater.get("/next").place == "/"


def test_a_script_is_told_where_to_go(rater: Client) -> None:
    page = rater.get("/sample/1")
    form = {"token": page.hidden("token"), "seen": 0, "guess": "human", "rating": 1}
    reply = rater.post("/sample/1", form, accept="application/json")
    assert (reply.status, reply.text) == (200, '{"next":"/sample/2"}')


def test_guessing_codes_is_slow(tmp_path: Path) -> None:
    make_survey(tmp_path / "survey", 2)
    (code,) = codes(tmp_path / "survey", 1)
    with serving(tmp_path / "survey") as server:
        client = Client(server.port)
        statuses = [client.post("/enter", {"code": f"{n:016}"}).status for n in range(12)]
        assert statuses == [200] * 10 + [429] * 2
        refused = client.post("/enter", {"code": "0" * 16})
        assert refused.status == 429
        assert 0 < int(refused.headers["retry-after"]) <= 31
        assert client.post("/enter", {"code": code}).place == "/next"  # a right one is never locked out
        client.close()


def test_a_proxy_may_change_the_host(rater: Client) -> None:
    form = {"token": rater.get("/sample/1").hidden("token"), "seen": 0, "guess": "human", "rating": 1}
    moved = {"host": "upstream", "origin": "https://survey.example"}
    assert rater.post("/sample/1", form, **moved).status == 403
    assert rater.post("/sample/1", form, **moved, sec_fetch_site="cross-site").status == 403
    assert rater.post("/sample/1", form, **moved, sec_fetch_site="same-origin").status == 303
    assert (
        rater.post("/sample/1", {**form, "token": "x"}, **moved, sec_fetch_site="same-origin").status == 403
    )


def test_the_survey_may_be_told_its_address(tmp_path: Path) -> None:
    make_survey(tmp_path / "survey", 2)
    with serving(tmp_path / "survey", "--url", "https://survey.example/") as server:
        client = Client(server.port)
        form = {"code": codes(tmp_path / "survey", 1)[0]}
        assert client.post("/enter", form, host="upstream", origin="https://evil.example").status == 403
        assert client.post("/enter", form, host="upstream", origin="https://survey.example").status == 303
        client.close()


@pytest.mark.parametrize("path", ["/consent/", "/next/", "//evil.example/", "/sample/1/"])
def test_no_redirection_names_the_host_of_the_request(client: Client, path: str) -> None:
    reply = client.get(path, host="evil.example")
    assert "evil.example" not in reply.place


def test_sessions_of_a_code_are_bounded(tmp_path: Path) -> None:
    make_survey(tmp_path / "survey", 2)
    (code,) = codes(tmp_path / "survey", 1)
    with open_database(tmp_path / "survey" / ANSWERS) as database:
        sessions = [enter(database, code) for _ in range(25)]
        known = [rater_of(database, session) is not None for session in sessions]
    assert known == [False] * 5 + [True] * 20


def test_a_form_that_never_ends_is_no_traceback(tmp_path: Path) -> None:
    make_survey(tmp_path / "survey", 2)
    with serving(tmp_path / "survey") as server:
        head = b"POST /enter HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", server.port), 5) as link:
                link.sendall(head + b"Content-Length: 100\r\n\r\ncode=")
        client = Client(server.port)
        assert client.get("/").status == 200
        client.close()
    assert "Traceback" not in (tmp_path / "survey-serve.log").read_text()


def test_one_rater_cannot_flood(tmp_path: Path) -> None:
    make_survey(tmp_path / "survey", 2)
    with serving(tmp_path / "survey") as server:
        clients = [Client(server.port), Client(server.port)]
        for client, code in zip(clients, codes(tmp_path / "survey", 2), strict=True):
            client.enter(code)
        flood = [clients[0].get("/sample/1").status for _ in range(400)]
        assert flood.count(429) > 50
        clients[1].close()  # idle for so long that the server may have left the connection
        assert clients[1].get("/sample/1").status == 200
        for client in clients:
            client.close()


def test_invite_prints_codes_or_links(tmp_path: Path) -> None:
    make_survey(tmp_path / "survey", 2)
    options = ("--count", 3, "--url", "https://survey.example/")
    finished = run_here(main, "survey", "invite", tmp_path / "survey", *options, environment={})
    lines = finished.stdout.splitlines()
    assert len(set(lines)) == 3
    assert all(re.fullmatch(r"https://survey\.example/#([0-9A-Z]{4}-?){4}", line) for line in lines)


def test_what_cannot_be_served_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "survey"
    make_survey(folder, 2)

    def said(port: int = 1) -> str:
        finished = run_here(main, "survey", "serve", folder, "--port", port, environment={})
        assert finished.returncode == 2
        (line,) = [line for line in finished.stderr.splitlines() if line.startswith("error: ")]
        return line

    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        assert "cannot listen there" in said(taken.getsockname()[1])
    (folder / ANSWERS).write_bytes(b"no database at all" * 1000)
    assert f"{folder / ANSWERS}: damaged" in said()
    (folder / ANSWERS).unlink()
    (folder / "survey.json").write_text("{")
    assert "survey.json: damaged" in said()
    (folder / "survey.json").unlink()
    assert "name a folder that `dataset survey build` made" in said()


def test_a_damaged_page_of_the_database_is_found_at_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "survey"
    make_survey(folder, 2)
    codes(folder, 500)
    body = bytearray((folder / ANSWERS).read_bytes())
    body[8192:12288] = b"\x5a" * 4096
    (folder / ANSWERS).write_bytes(body)
    finished = run_here(main, "survey", "invite", folder, environment={})
    assert finished.returncode == 2
    assert "damaged (" in error_line(finished)


def test_sigterm_is_an_orderly_end(tmp_path: Path) -> None:
    make_survey(tmp_path / "survey", 2)
    with serving(tmp_path / "survey") as server:
        client = Client(server.port)
        client.enter(*codes(tmp_path / "survey", 1))
        client.answer("/sample/1")
        client.close()
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(20)
    assert len(answers(tmp_path / "survey")) == 1
