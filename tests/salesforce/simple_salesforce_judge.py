"""simple-salesforce, unmodified, against the sandbox's Salesforce org."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import (
    Salesforce,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "official"))
from checks import Checks  # noqa: E402 - the folder is found above

KNOWN = json.loads(os.environ["OKTANT_SALESFORCE"])
CONTACTS = 2_500


class PlainHttp(HTTPAdapter):
    """The client speaks https only, and the sandbox http: the session that it is given carries one as the other."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        assert request.url is not None
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, **options)


def connect(token: str) -> Salesforce:
    session = requests.Session()
    session.mount(KNOWN["url"].replace("http://", "https://"), PlainHttp())
    return Salesforce(instance_url=KNOWN["url"], session_id=token, session=session, version="62.0")


def records(checks: Checks, sf: Salesforce) -> None:
    checks.area = "records"
    made = sf.Contact.create({"LastName": "Hopper", "FirstName": "Grace", "Badge__c": "B-1"})
    checks.equal("create", (made["success"], made["errors"]), (True, []))
    checks.equal("get", sf.Contact.get(made["id"])["Name"], "Grace Hopper")
    checks.equal("update", sf.Contact.update(made["id"], {"Title": "Admiral"}), 204)
    checks.equal("get by custom id", sf.Contact.get_by_custom_id("Badge__c", "B-1")["Title"], "Admiral")
    checks.equal("upsert of what is there", sf.Contact.upsert("Badge__c/B-1", {"LastName": "Hopper II"}), 200)
    checks.equal("upsert of what is not", sf.Contact.upsert("Badge__c/B-2", {"LastName": "New"}), 201)
    checks.equal("delete", sf.Contact.delete(made["id"]), 204)
    names = {field["name"] for field in sf.Contact.describe()["fields"]}
    checks.check("describe", {"LastName", "AccountId", "Badge__c"} <= names, names)
    checks.check("describe of the org", any(one["name"] == "User" for one in sf.describe()["sobjects"]))
    checks.equal("limits", sf.limits()["DailyApiRequests"]["Max"], 15_000)
    checks.equal("usage", sf.api_usage["api-usage"].total, 15_000)


def queries(checks: Checks, sf: Salesforce) -> None:
    checks.area = "queries"
    for start in range(0, CONTACTS, 200):
        numbers = range(start, min(start + 200, CONTACTS))
        batch = [{"attributes": {"type": "Contact"}, "LastName": f"Many {number:04}"} for number in numbers]
        sf.restful("composite/sobjects", method="POST", data=json.dumps({"allOrNone": True, "records": batch}))
    text = "SELECT Id, LastName FROM Contact WHERE LastName LIKE 'Many%' ORDER BY LastName"
    first = sf.query(text)
    checks.equal("a first page", (first["totalSize"], first["done"], len(first["records"])), (CONTACTS, False, 2_000))
    rest = sf.query_more(first["nextRecordsUrl"], identifier_is_url=True)
    checks.equal("the next page", (rest["done"], len(rest["records"])), (True, CONTACTS - 2_000))
    names = [record["LastName"] for record in sf.query_all_iter(text)]
    checks.equal("all pages", names, [f"Many {number:04}" for number in range(CONTACTS)])
    gone = first["records"][0]["Id"]
    sf.Contact.delete(gone)
    everything = sf.query_all(text, include_deleted=True)
    checks.equal("deleted ones too", everything["totalSize"], CONTACTS)
    found = sf.search("FIND {Many 0007} RETURNING Contact(LastName)")["searchRecords"]
    checks.equal("search", [record["LastName"] for record in found], ["Many 0007"])
    quick = sf.quick_search("0008")["searchRecords"]
    checks.equal("quick search", len(quick), 1)


def several(checks: Checks, sf: Salesforce) -> None:
    checks.area = "composite"
    base = f"/services/data/v{sf.sf_version}/sobjects"
    calls = [
        {"method": "POST", "url": f"{base}/Account", "referenceId": "acc", "body": {"Name": "Acme"}},
        {"method": "POST", "url": f"{base}/Contact", "referenceId": "con", "body": {"LastName": "X", "AccountId": "@{acc.id}"}},
    ]
    answer = sf.restful("composite", method="POST", data=json.dumps({"allOrNone": True, "compositeRequest": calls}))
    checks.equal("statuses", [part["httpStatusCode"] for part in answer["compositeResponse"]], [201, 201])
    parent = sf.query("SELECT Account.Name FROM Contact WHERE LastName = 'X'")["records"][0]["Account"]["Name"]
    checks.equal("the reference", parent, "Acme")


def errors(checks: Checks, sf: Salesforce) -> None:
    checks.area = "errors"

    def refused(what: str, expected: type[Exception], code: str, call: Any) -> None:
        try:
            call()
            checks.check(what, False, "no error")
        except expected as error:
            content = error.content  # type: ignore[attr-defined]
            checks.check(what, code in str(content), content)

    refused("required field", SalesforceMalformedRequest, "REQUIRED_FIELD_MISSING", lambda: sf.Contact.create({}))
    refused("malformed query", SalesforceMalformedRequest, "MALFORMED_QUERY", lambda: sf.query("SELECT Id FRM Contact"))
    refused("unknown record", SalesforceResourceNotFound, "NOT_FOUND", lambda: sf.Contact.get("003000000000000AAA"))
    for name in ("A", "B"):
        sf.Contact.create({"LastName": name, "Key__c": "same"})
    refused("several records", SalesforceMoreThanOneRecord, "/sobjects/Contact/", lambda: sf.Contact.get_by_custom_id("Key__c", "same"))
    refused("session", SalesforceExpiredSession, "INVALID_SESSION_ID", lambda: connect("00D!x").query("SELECT Id FROM User"))


def main() -> None:
    checks = Checks("simple-salesforce")
    sf = connect(KNOWN["access_token"])
    for part in (records, queries, several, errors):
        part(checks, sf)
    print(f"simple-salesforce: {checks.passed} passed, {len(checks.failed)} failed")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
