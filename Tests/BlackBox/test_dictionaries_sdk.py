"""Dictionaries through the official SDK."""

import re

import pytest

from harness.management import Call
from harness.world import hex_id, unique


def public(call, path: str) -> str:
    """A path of the public resources of the instance."""
    return f"/v2/{call.credentials['project_id']}/instances/{call.credentials['instance_id']}{path}"


@pytest.fixture
def entry(sdk):
    return sdk.create_dictionary(body={"name": unique("name"), "code": unique("code"), "remark": "a remark"})


def invalid(field: str) -> str:
    return f"Invalid parameter value,parameterName:{field}. Please refer to the support documentation"


def test_create_and_read_back(sdk, call):
    body = {
        "name": unique("订单 类型"), "code": unique("order kind"), "remark": "kinds of orders", "order": 3,
        "extend_one": "one 一", "extend_two": "two_2"}
    made = sdk.create_dictionary(body=body)
    assert re.fullmatch("[0-9a-f]{32}", made.id)
    read = sdk.check_dictionary(dict_id=made.id)
    for field in ("name", "code", "remark", "extend_one", "extend_two"):
        assert getattr(made, field) == getattr(read, field) == body[field]
    assert made.parent_code == read.parent_code == ""
    assert made.create_time == made.update_time == read.create_time
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", read.create_time)
    # An order may also be a text.
    call.expect(201, "POST", public(call, "/dictionaries"), {"name": unique("n"), "code": unique("c"), "order": "7"})


def test_update_keeps_what_is_not_said(sdk, entry):
    name = unique("renamed")
    changed = sdk.update_dictionary(dict_id=entry.id, body={"name": name})
    assert (changed.name, changed.code, changed.remark) == (name, entry.code, "a remark")
    assert changed.create_time == entry.create_time and changed.update_time >= entry.update_time
    changed = sdk.update_dictionary(dict_id=entry.id, body={"remark": "", "extend_one": "x"})
    assert (changed.name, changed.remark, changed.extend_one) == (name, "", "x")
    assert str(sdk.check_dictionary(dict_id=entry.id)) == str(changed)


def test_tree_order_and_paging(sdk, entry):
    codes = []
    for order in (3, -1, 2, 2):
        codes.append(unique("child"))
        sdk.create_dictionary(body={
            "name": unique("child"), "code": codes[-1], "order": order, "parent_code": entry.code})
    listed = sdk.list_dictionary(parent_code=entry.code)
    assert (listed.total, listed.size) == (4, 4)
    # By order; newest first among equals.
    assert [found.code for found in listed.dictionaries] == [codes[1], codes[3], codes[2], codes[0]]
    pages = [sdk.list_dictionary(parent_code=entry.code, limit="3", offset=offset) for offset in ("0", "3", "6")]
    assert [page.size for page in pages] == [3, 1, 0] and {page.total for page in pages} == {4}
    assert [found.code for page in pages for found in page.dictionaries] == [found.code for found in listed.dictionaries]
    assert sdk.list_dictionary(parent_code=entry.code, code=codes[0][2:].upper()).total == 1
    assert sdk.list_dictionary(parent_code=entry.code, name="%").total == 0
    # Without a parent: the top only.
    top = sdk.list_dictionary(code=entry.code)
    assert [found.id for found in top.dictionaries] == [entry.id]
    assert sdk.list_dictionary(code=codes[0]).total == 0
    sdk.update_dictionary(dict_id=listed.dictionaries[3].id, body={"order": -5})
    assert sdk.list_dictionary(parent_code=entry.code, limit="1").dictionaries[0].code == codes[0]


def test_delete_takes_everything_below(sdk, entry):
    child = sdk.create_dictionary(body={"name": unique("n"), "code": unique("c"), "parent_code": entry.code})
    grandchild = sdk.create_dictionary(body={"name": unique("n"), "code": unique("c"), "parent_code": child.code})
    other = sdk.create_dictionary(body={"name": unique("n"), "code": unique("c")})
    sdk.delete_dictionary(dict_id=entry.id)
    for gone in (entry, child, grandchild):
        message = sdk.refused(404, "ROMA.00110006", "check_dictionary", dict_id=gone.id)
        assert message == f"The resource does not exist. Check whether the resource ID {gone.id} is correct."
    assert sdk.check_dictionary(dict_id=other.id).id == other.id
    sdk.refused(404, "ROMA.00110006", "delete_dictionary", dict_id=entry.id)
    sdk.refused(404, "ROMA.00110006", "update_dictionary", {"name": "x"}, dict_id=entry.id)
    # What was deleted can be made again.
    sdk.create_dictionary(body={"name": entry.name, "code": entry.code})


def test_validate_says_what_is_taken(sdk, entry):
    both = sdk.validate_dictionary(name=entry.name, code=entry.code)
    assert (both.name, both.code) == (entry.name, entry.code)
    only = sdk.validate_dictionary(name=entry.name, code=unique("free"))
    assert (only.name, only.code) == (entry.name, None)
    # Exactly: neither a part nor another case.
    none = sdk.validate_dictionary(name=entry.name[:-1], code=entry.code.upper())
    assert (none.name, none.code) == (None, None)


def test_names_and_codes_are_unique(sdk, entry):
    assert sdk.refused(400, "ROMA.00013000", "create_dictionary", {
        "name": entry.name, "code": unique("c")}) == invalid("name")
    assert sdk.refused(400, "ROMA.00013000", "create_dictionary", {
        "name": unique("n"), "code": entry.code}) == invalid("code")
    other = sdk.create_dictionary(body={"name": unique("n"), "code": unique("c")})
    assert sdk.refused(400, "ROMA.00013000", "update_dictionary", {"name": entry.name}, dict_id=other.id) == invalid("name")
    assert sdk.update_dictionary(dict_id=entry.id, body={"name": entry.name}).name == entry.name


@pytest.mark.parametrize("change, field", [
    ({"name": None}, "name"), ({"code": None}, "code"), ({"name": ""}, "name"), ({"name": "  "}, "name"),
    ({"name": "a-b"}, "name"), ({"name": "n" * 129}, "name"), ({"code": "类型"}, "code"), ({"code": "c" * 129}, "code"),
    ({"remark": "<b>"}, "remark"), ({"remark": "r" * 1025}, "remark"), ({"extend_one": "a/b"}, "extend_one"),
    ({"extend_two": "e" * 256}, "extend_two"), ({"order": "many"}, "order"), ({"order": 2**31}, "order")])
def test_refused_fields(call, change, field):
    body = {"name": unique("n"), "code": unique("c"), **change}
    assert call.refused(400, "ROMA.00013000", "POST", public(call, "/dictionaries"), body) == invalid(field)


def test_other_refusals(sdk, call, entry):
    sdk.refused(404, "ROMA.00110006", "create_dictionary", {"name": unique("n"), "code": unique("c"), "parent_code": "nobody"})
    sdk.refused(400, "ROMA.00013000", "list_dictionary", limit="501")
    sdk.refused(400, "ROMA.00013000", "list_dictionary", offset="x")
    sdk.refused(404, "ROMA.00110006", "list_dictionary", instance_id=hex_id())
    call.refused(400, "ROMA.00013000", "POST", public(call, "/dictionaries"), raw=b"{")
    call.refused(401, "ROMA.00012000", "GET", public(call, "/dictionaries"), authenticate=False)


def test_tree_has_a_depth(sdk):
    code = ""
    for _ in range(16):
        made = sdk.create_dictionary(body={"name": unique("n"), "code": unique("c"), "parent_code": code})
        code = made.code
    assert sdk.refused(400, "ROMA.00013000", "create_dictionary", {
        "name": unique("n"), "code": unique("c"), "parent_code": code}) == invalid("parent_code")


def test_quota(fresh_gatehouse):
    program = fresh_gatehouse(settings={"quotas": {"dictionaries": 1}})
    call = Call(program.credentials, program.management)
    first = call.expect(201, "POST", public(call, "/dictionaries"), {"name": "one", "code": "one"})
    call.refused(400, "ROMA.00013000", "POST", public(call, "/dictionaries"), {"name": "two", "code": "two"})
    call.expect(204, "DELETE", public(call, f"/dictionaries/{first['id']}"))
    call.expect(201, "POST", public(call, "/dictionaries"), {"name": "two", "code": "two"})
