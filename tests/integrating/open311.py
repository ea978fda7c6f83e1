#!/usr/bin/env python3
"""A client of Open311 GeoReport v2 that knows nothing of this suite but its address and a key: it walks the whole
contract in XML and in JSON and checks what the JSON schemas of github.com/open311/schema-validation require.

    tests/integrating/open311.py BASE_URL ACCOUNTS

ACCOUNTS is a file such as demo-accounts.json with `open311ApiKey`. Needs nothing but Python. Ends with 1 at the first
thing that is not as the contract says.
"""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree
from datetime import datetime, timedelta, timezone
from pathlib import Path

REQUIRED_OF_REQUEST = ["service_request_id", "status", "service_code", "requested_datetime"]
FIELDS_OF_REQUEST = REQUIRED_OF_REQUEST + [
    "status_notes", "service_name", "description", "agency_responsible", "service_notice", "updated_datetime",
    "expected_datetime", "address", "address_id", "zipcode", "lat", "long", "media_url",
]
REQUIRED_OF_SERVICE = ["service_code", "service_name", "metadata", "type"]
DATATYPES = {"string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"}
# Long enough for a suite in an unoptimised build on a busy machine.
LIMIT = 60


class Wrong(Exception):
    """Something is not as the contract says."""


def expect(holds, what):
    if not holds:
        raise Wrong(what)


class Client:
    def __init__(self, base):
        self.base = base.rstrip("/")

    def call(self, path, form=None):
        """Answers status, media type and bytes, whatever the status."""
        data = None if form is None else urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(f"{self.base}/{path}", data=data)
        if data is not None:
            request.add_header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
        try:
            with urllib.request.urlopen(request, timeout=LIMIT) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.headers["Content-Type"], refusal.read()

    def json(self, resource, query="", form=None):
        status, media_type, body = self.call(f"{resource}.json{query}", form)
        expect(media_type == "application/json; charset=utf-8", f"{resource}.json is {media_type}")
        return status, json.loads(body)

    def xml(self, resource, query="", form=None):
        status, media_type, body = self.call(f"{resource}.xml{query}", form)
        expect(media_type == "text/xml; charset=utf-8", f"{resource}.xml is {media_type}")
        expect(body.startswith(b"<?xml "), f"{resource}.xml has no declaration")
        return status, ElementTree.fromstring(body)


def moment(text):
    told = datetime.fromisoformat(text.replace("Z", "+00:00"))
    expect(told.tzinfo is not None, f"{text} has no zone")
    return told


def discovery(client):
    status, told = client.json("discovery")
    expect(status == 200, "discovery.json")
    for changeset in [told["changeset"], told["endpoints"][0]["changeset"]]:
        expect(moment(changeset) < datetime.now(timezone.utc), "the changeset lies in the future")
    endpoint = told["endpoints"][0]
    expect(endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2", "another specification")
    expect("text/xml" in endpoint["formats"], "no XML")
    expect(endpoint["type"] in ("production", "test"), "type")
    _, document = client.xml("discovery")
    expect(document.tag == "discovery", "root of discovery.xml")
    expect(document.findtext("endpoints/endpoint/url") == endpoint["url"], "both formats name one address")


def services(client):
    status, listed = client.json("services")
    expect(status == 200 and listed, "there are services")
    for service in listed:
        for field in REQUIRED_OF_SERVICE:
            expect(service.get(field) is not None, f"a service without {field}")
        expect(isinstance(service["service_code"], str), "service_code is text")
        expect(isinstance(service["metadata"], bool), "metadata is true or false")
        expect(service["type"] in ("realtime", "batch", "blackbox"), "type of a service")
    _, document = client.xml("services")
    codes = [it.findtext("service_code") for it in document.findall("service")]
    expect(codes == [it["service_code"] for it in listed], "both formats list the same services")
    for service in listed:
        definition(client, service)
    return listed


def definition(client, service):
    status, told = client.json(f"services/{service['service_code']}")
    if not service["metadata"]:
        expect(status == 404, "a service without metadata has no definition")
        return
    expect(status == 200 and told["service_code"] == service["service_code"], "definition")
    orders = [it["order"] for it in told["attributes"]]
    expect(orders == sorted(orders), "attributes in their order")
    for attribute in told["attributes"]:
        expect(attribute["datatype"] in DATATYPES, "datatype")
        if attribute["datatype"].endswith("valuelist"):
            expect(all("key" in it and "name" in it for it in attribute["values"]), "values")


def answers(client, service):
    """What a form of this service needs, answered with what its definition permits."""
    if not service["metadata"]:
        return {}
    _, told = client.json(f"services/{service['service_code']}")
    samples = {"number": "1", "datetime": "2026-09-14T08:30:00+08:00"}
    given = {}
    for attribute in told["attributes"]:
        if attribute["required"]:
            values = attribute.get("values") or []
            sample = values[0]["key"] if values else samples.get(attribute["datatype"], "ada")
            given[f"attribute[{attribute['code']}]"] = sample
    return given


def refusals(client, key, service):
    code = service["service_code"]
    location = {"address_string": "Pasar Kota"}
    for form, status, named in [
        ({"service_code": code, **location}, 403, "api_key"),
        ({"api_key": "x" * 20, "service_code": code, **location}, 403, "api_key"),
        ({"api_key": key, **location}, 400, "service_code"),
        ({"api_key": key, "service_code": "TIDAK-ADA", **location}, 404, "service_code"),
        ({"api_key": key, "service_code": code, **answers(client, service)}, 400, "lat"),
    ]:
        told, errors = client.json("requests", form=form)
        expect(told == status, f"{named}: {told} instead of {status}")
        expect(all(it["code"] == status for it in errors), "code")
        expect(any(named in it["description"] for it in errors), f"no description names {named}: {errors}")
    told, document = client.xml("requests", form={"service_code": code})
    expect(told == 403 and document.tag == "errors", "errors in XML")
    expect(document.findtext("error/code") == "403", "error/code in XML")


def file(client, key, service):
    form = {
        "api_key": key,
        "service_code": service["service_code"],
        "lat": "-3.7928",
        "long": "102.2608",
        "address_string": "Depan pasar",
        "description": "Lampu jalan di depan pasar mati sejak tiga malam yang lalu <b>&",
        "first_name": "Warga",
        "last_name": "Penguji",
        "email": "warga.penguji@example.org",
        "phone": "+628120000311",
        **answers(client, service),
    }
    status, told = client.json("requests", form=form)
    expect(status in (200, 201), f"filing answers {status}: {told}")
    expect(len(told) == 1, "a list of one")
    expect(("service_request_id" in told[0]) != ("token" in told[0]), "an id or a token, and not both")
    status, document = client.xml("requests", form=form)
    expect(status in (200, 201) and document.tag == "service_requests", "filing in XML")
    expect(document.findtext("request/service_request_id"), "an id in XML")
    return told[0]["service_request_id"]


def requests(client, filed):
    status, listed = client.json("requests")
    expect(status == 200 and len(listed) <= 1000, "requests.json")
    oldest = datetime.now(timezone.utc) - timedelta(days=90, hours=1)
    for request in listed:
        for field in FIELDS_OF_REQUEST:
            expect(field in request, f"a request without {field}")
        for field in REQUIRED_OF_REQUEST:
            expect(request[field] is not None, f"{field} is null")
        expect(request["status"] in ("open", "closed"), "status")
        expect(moment(request["requested_datetime"]) > oldest, "older than 90 days")
        for field in ("lat", "long"):
            expect(request[field] is None or isinstance(request[field], (int, float)), f"{field} is a number")
    _, document = client.xml("requests")
    expect(document.tag == "service_requests", "root of requests.xml")
    for request in document.findall("request"):
        for field in FIELDS_OF_REQUEST:
            expect(request.find(field) is not None, f"an XML request without {field}")
    for status in ("open", "closed"):
        _, some = client.json("requests", f"?status={status}")
        expect(all(it["status"] == status for it in some), f"status={status}")
    told, _ = client.json("requests", "?status=rusak")
    expect(told == 400, "an unknown status")
    told, _ = client.json("requests", "?start_date=2026-01-01T00:00:00Z&end_date=2026-06-01T00:00:00Z")
    expect(told == 400, "more than 90 days")
    told, _ = client.json("requests/TIDAK-ADA")
    expect(told == 404, "an unknown request")
    if listed:
        first = listed[0]["service_request_id"]
        _, one = client.json(f"requests/{first}")
        expect([it["service_request_id"] for it in one] == [first], "a list of one")
    # Whether it is published already is an officer's to decide; who reported is never told either way.
    everything = json.dumps([listed, client.json(f"requests/{filed}")[1]])
    for secret in ("Penguji", "warga.penguji", "628120000311"):
        expect(secret not in everything, "the reporter is told")


UPDATES = "servicerequestupdates"
STATUSES = {
    "OPEN", "INVESTIGATING", "IN_PROGRESS", "ACTION_SCHEDULED", "FIXED", "CLOSED", "DUPLICATE",
    "NOT_COUNCILS_RESPONSIBILITY", "NO_FURTHER_ACTION", "INTERNAL_REFERRAL", "FOR_TRIAGE", "CANCELLED", "REOPEN",
}


def updates(client, key, filed):
    """The extension of FixMyStreet: what happened is read, and what a partner says is taken or refused by name."""
    status, listed = client.json(UPDATES)
    expect(status == 200 and len(listed) <= 1000, "servicerequestupdates.json")
    ids = [it["update_id"] for it in listed]
    expect(len(set(ids)) == len(ids), "each update has an id of its own")
    moments = [moment(it["updated_datetime"]) for it in listed]
    expect(moments == sorted(moments), "updates in the order they happened")
    for update in listed:
        expect(update["status"] in STATUSES, f"status {update['status']}")
        for field in ("service_request_id", "description", "media_url", "customer_reference"):
            expect(field in update, f"an update without {field}")
    _, document = client.xml(UPDATES)
    expect(document.tag == "service_requests_updates", "root of servicerequestupdates.xml")
    expect([it.findtext("update_id") for it in document.findall("request_update")][: len(ids)] == ids, "both formats agree")
    expect("Penguji" not in json.dumps(listed), "the reporter is told")
    # Nobody has given the case to an agency yet, so no partner has it; and whoever has no key learns not even that.
    now = datetime.now(timezone.utc).isoformat()
    form = {"service_request_id": filed, "update_id": "1", "status": "OPEN", "updated_datetime": now}
    for wrong, expected, named in [
        ({}, 403, "api_key"),
        ({"api_key": "x" * 20}, 403, "api_key"),
        ({"api_key": key}, 404, "service_request_id"),
        ({"api_key": key, "status": "RUSAK"}, 400, "status"),
        ({"api_key": key, "updated_datetime": "kemarin"}, 400, "updated_datetime"),
        ({"api_key": key, "update_id": ""}, 400, "update_id"),
    ]:
        told, errors = client.json(UPDATES, form={**form, **wrong})
        expect(told == expected, f"{wrong}: {told} instead of {expected}")
        expect(any(named in it["description"] for it in errors), f"no description names {named}: {errors}")
        told, document = client.xml(UPDATES, form={**form, **wrong})
        expect(told == expected and document.tag == "errors", f"{wrong} in XML")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    key = json.loads(Path(sys.argv[2]).read_text())["open311ApiKey"]
    client = Client(f"{sys.argv[1].rstrip('/')}/open311/v2")
    try:
        discovery(client)
        listed = services(client)
        refusals(client, key, listed[0])
        filed = file(client, key, listed[0])
        requests(client, filed)
        updates(client, key, filed)
    except Wrong as wrong:
        sys.exit(f"Open311: {wrong}")
    print("Open311: discovery, services, definitions, filing, refusals, reading and updates are as the contract says.")


if __name__ == "__main__":
    main()
