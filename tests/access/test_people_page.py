"""The pages People and Audit: adding, changing and disabling somebody, and reading who did what."""

from __future__ import annotations

import re
from pathlib import Path

from staycurve.interfaces.api.app import create_app
from tests.access.conftest import FROM_HERE, PASSWORD, browser, log_in, token_of
from tests.company import create


def test_an_admin_adds_somebody_who_comes_in_by_the_link(tmp_path: Path) -> None:
    own = create(tmp_path / "own")
    own.state.people.add("ana@acme.example", "admin", password=PASSWORD)
    app = create_app(own)
    admin = browser(app)
    log_in(admin, "ana@acme.example")
    token = token_of(admin, "/people")

    def send(**fields: str) -> tuple[int, str]:
        answer = admin.post("/people", data={"csrf": token, **fields}, headers=FROM_HERE)
        return answer.status_code, answer.headers.get("location", answer.text)

    status, to = send(do="add", email="bob@acme.example", role="viewer")
    assert status == 303
    shown = admin.get(to).text
    (link,) = re.findall(r"http://127\.0\.0\.1:8765(/password/[\w.-]+)", shown)
    # A reload does not show it again, and no address holds it.
    assert link not in admin.get(to).text
    assert link.rpartition("/")[2] not in to
    bob = browser(app)
    assert bob.post(link, data={"password": PASSWORD}, headers=FROM_HERE).status_code == 303
    assert bob.get("/views.json").status_code == 200

    assert send(do="role", id="2", role="operator")[0] == 303
    assert bob.get("/views.json").status_code == 401
    for fields, said, refused in (
        ({"do": "add", "email": "bob@acme.example", "role": "viewer"}, "is there already", 422),
        ({"do": "add", "email": "<b>", "role": "viewer"},
         "&#39;&lt;b&gt;&#39; is not an e-mail", 422),
        ({"do": "role", "id": "1", "role": "viewer"}, "is the only admin", 422),
        ({"do": "role", "id": "2", "role": "boss"}, "Unknown role", 422),
        ({"do": "disable", "id": "99"}, "Unknown person", 404),
        ({"do": "reset", "id": "99"}, "no such person", 422),
        ({"do": "nothing", "id": "1"}, "asks for nothing", 422),
    ):
        status, text = send(**fields)
        assert (status, said in text) == (refused, True), (fields, status, text[-3000:])
    assert send(do="disable", id="2")[0] == 303
    assert [one.status for one in own.state.people.listed()] == ["active", "disabled"]
    assert send(do="enable", id="2")[0] == 303
    key = own.state.create_key("viewer")[0]
    assert send(do="revoke", id=str(key.id))[0] == 303

    rows = admin.get("/audit.json").json()["panels"][0]["rows"]
    whats = [row["what"] for row in rows if row["who"] == "ana@acme.example"]
    assert whats == [
        "key.revoked", "person.enabled", "person.disabled", "person.role",
        "invitation.created", "person.added", "login",
    ]
    of_bob = admin.get("/audit.json?who=bob%40acme.example").json()["panels"][0]["rows"]
    assert [row["what"] for row in of_bob] == ["login", "person.password"]
    older = admin.get(f"/audit.json?before={rows[-1]['id']}").json()["panels"][0]["rows"]
    assert older == []
    assert admin.get("/audit.json?before=x").status_code == 422
