"""The few calls of the Hugging Face Hub that reading a data set's file takes, on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

from aiohttp import web

from tests.servers.background import background, serving
from tests.servers.ports import free_ports

REPOSITORY = "lab/links"
COMMIT = "c" * 40


@contextmanager
def hub(files: dict[str, bytes]) -> Iterator[str]:
    """Serve `files` as the data set `lab/links`; yields what HF_ENDPOINT must be."""
    (port,) = free_ports(1)
    with background(lambda: serving(_application(files), port)) as address:
        yield address


def _entry(path: str, body: bytes) -> dict[str, object]:
    return {"type": "file", "path": path, "size": len(body), "oid": f"oid-{len(body)}"}


def _application(files: dict[str, bytes]) -> web.Application:
    async def about(_: web.Request) -> web.Response:
        return web.json_response({"_id": "1", "id": REPOSITORY, "sha": COMMIT, "siblings": []})

    async def paths_info(request: web.Request) -> web.Response:
        form = await (request.json() if request.content_type == "application/json" else request.post())
        wanted = form["paths"] if isinstance(form["paths"], list) else form.getall("paths")
        known = [_entry(path, files[path]) for path in wanted if path in files]
        folders = [path for path in wanted if any(file.startswith(str(path) + "/") for file in files)]
        return web.json_response(
            known + [{"type": "directory", "path": path, "oid": path} for path in folders]
        )

    async def tree(request: web.Request) -> web.Response:
        folder = request.match_info.get("path", "")
        below = {
            path: body for path, body in files.items() if path.startswith(f"{folder}/" if folder else "")
        }
        missing = {"X-Error-Code": "EntryNotFound"}
        if not below:
            return web.json_response({"error": "no such folder"}, status=404, headers=missing)
        folders = sorted({str(up) for path in below for up in PurePosixPath(path).parents} - {".", folder})
        inner = [{"type": "directory", "path": name, "oid": name} for name in folders]
        return web.json_response(inner + [_entry(path, body) for path, body in below.items()])

    async def resolve(request: web.Request) -> web.Response:
        body = files[request.match_info["path"]]
        part = body[request.http_range]
        headers = {"ETag": '"etag"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        return web.Response(body=part, status=206 if len(part) < len(body) else 200, headers=headers)

    app = web.Application()
    api = f"/api/datasets/{REPOSITORY}"
    app.add_routes(
        [
            web.get(api, about),
            web.get(api + "/revision/{revision}", about),
            web.post(api + "/paths-info/{revision}", paths_info),
            web.get(api + "/tree/{revision}", tree),
            web.get(api + "/tree/{revision}/{path:.*}", tree),
            web.get(f"/datasets/{REPOSITORY}/resolve/{{revision}}/{{path:.*}}", resolve),
        ]
    )
    return app
