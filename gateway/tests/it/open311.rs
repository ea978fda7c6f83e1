//! Open311 GeoReport v2: what wiki.open311.org/GeoReport_v2 and its JSON schemas ask of a server, line by line. XML is
//! read by a parser of its own, so that what is tested is the document and not our way to write it.

use axum::body::Body;
use chrono::DateTime;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use mpp_kit::{
    clock::{Clock as _, SystemClock},
    config::Secret,
};
use mpp_proto::complaints::v1::{Channel, Secrecy};
use quick_xml::{Reader, events::Event};
use serde_json::Value;

use crate::{
    complaints::{API_KEY, PARTNER_KEY},
    fake::Gate,
};

const FIELDS: [&str; 17] = [
    "service_request_id",
    "status",
    "status_notes",
    "service_name",
    "service_code",
    "description",
    "agency_responsible",
    "service_notice",
    "requested_datetime",
    "updated_datetime",
    "expected_datetime",
    "address",
    "address_id",
    "zipcode",
    "lat",
    "long",
    "media_url",
];

async fn gate() -> Gate {
    Gate::with(|config| {
        config.public_url = Some("https://aduan.contoh.go.id".into());
        config.open311.api_keys = Secret::from(API_KEY.to_owned());
    })
    .await
}

async fn get(gate: &Gate, path: &str) -> Response<Body> {
    gate.send(Request::get(format!("/open311/v2/{path}")).body(Body::empty()).expect("a request")).await
}

async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

async fn json(gate: &Gate, path: &str) -> (u16, Value) {
    let response = get(gate, path).await;
    let status = response.status().as_u16();
    let text = text(response).await;
    (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
}

/// The paths of all elements of a document, each with its text: `services/service/service_code=JLN-01`.
async fn xml(gate: &Gate, path: &str) -> (u16, Vec<String>) {
    let response = get(gate, path).await;
    let status = response.status().as_u16();
    (status, elements(&text(response).await))
}

fn elements(document: &str) -> Vec<String> {
    let mut reader = Reader::from_str(document);
    let (mut path, mut found, mut words) = (Vec::<String>::new(), Vec::new(), String::new());
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error}: {document}")) {
            Event::Start(start) => {
                path.push(start.name().as_ref().to_owned());
                words.clear();
            }
            Event::Empty(start) => {
                found.push(format!("{}/{}=", path.join("/"), start.name().as_ref()));
            }
            Event::Text(part) => words.push_str(&part),
            Event::GeneralRef(part) => {
                words.push_str(match &*part {
                    "lt" => "<",
                    "gt" => ">",
                    "amp" => "&",
                    "quot" => "\"",
                    "apos" => "'",
                    other => panic!("{other}"),
                });
            }
            Event::End(_) => {
                found.push(format!("{}={words}", path.join("/")));
                path.pop();
                words.clear();
            }
            Event::Eof => return found,
            Event::CData(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

async fn post(gate: &Gate, format: &str, form: &str) -> Response<Body> {
    let request = Request::post(format!("/open311/v2/requests.{format}"))
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .body(Body::from(form.to_owned()));
    gate.send(request.expect("a request")).await
}

/// Files a report with a sound key and service; answers the status and the JSON.
async fn file(gate: &Gate, rest: &str) -> (u16, Value) {
    let form = format!("api_key={API_KEY}&service_code=JLN-01&attribute[UKURAN]=kecil&{rest}");
    let response = post(gate, "json", &form).await;
    (response.status().as_u16(), serde_json::from_str(&text(response).await).expect("JSON"))
}

fn descriptions(errors: &Value) -> String {
    let list = errors.as_array().expect("a list of errors");
    list.iter().map(|it| it["description"].as_str().expect("a description")).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn o_01_discovery_says_where_the_interface_is_in_both_formats() {
    let gate = gate().await;
    let (status, it) = json(&gate, "discovery.json").await;
    assert_eq!(status, 200);
    let endpoint = &it["endpoints"][0];
    assert_eq!(endpoint["specification"], "http://wiki.open311.org/GeoReport_v2");
    assert_eq!(endpoint["url"], "https://aduan.contoh.go.id/open311/v2");
    assert_eq!(endpoint["type"], "production");
    assert_eq!(endpoint["formats"], serde_json::json!(["text/xml", "application/json"]));
    for changeset in [&it["changeset"], &endpoint["changeset"]] {
        let changeset =
            DateTime::parse_from_rfc3339(changeset.as_str().expect("a moment")).expect("a moment");
        assert!(changeset < SystemClock.now());
    }
    assert!(it["contact"].is_string() && it["key_service"].is_string());
    let (status, it) = xml(&gate, "discovery.xml").await;
    assert_eq!(status, 200);
    for expected in [
        "discovery/endpoints/endpoint/url=https://aduan.contoh.go.id/open311/v2",
        "discovery/endpoints/endpoint/formats/format=text/xml",
        "discovery/endpoints/endpoint/formats/format=application/json",
    ] {
        assert!(it.iter().any(|element| element == expected), "{expected}: {it:?}");
    }
}

#[tokio::test]
async fn o_02_both_formats_name_their_encoding() {
    let gate = gate().await;
    for path in
        ["discovery", "services", "services/JLN-01", "requests", "requests/ADU-2026-000123-7", "requests/x"]
    {
        let response = get(&gate, &format!("{path}.xml")).await;
        assert_eq!(response.headers()["content-type"], "text/xml; charset=utf-8", "{path}");
        assert!(text(response).await.starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?>"), "{path}");
        let response = get(&gate, &format!("{path}.json")).await;
        assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8", "{path}");
    }
}

#[tokio::test]
async fn o_03_lists_are_bare_arrays_in_json_and_named_in_xml() {
    let gate = gate().await;
    assert!(json(&gate, "services.json").await.1.is_array());
    assert!(json(&gate, "requests.json").await.1.is_array());
    let (_, it) = xml(&gate, "services.xml").await;
    assert_eq!(it.last().map(String::as_str), Some("services="));
    let (_, it) = xml(&gate, "requests.xml").await;
    assert!(it.iter().any(|it| it == "service_requests/request="), "{it:?}");
    let (_, it) = json(&gate, "requests.json?service_code=LMP-01").await;
    assert_eq!(it, serde_json::json!([]));
}

#[tokio::test]
async fn o_04_an_empty_parameter_is_one_that_was_not_given() {
    let gate = gate().await;
    let (status, it) =
        json(&gate, "requests.json?status=&start_date=&jurisdiction_id=&service_request_id=").await;
    assert_eq!((status, it.as_array().map(Vec::len)), (200, Some(2)));
    let response = post(&gate, "json", "api_key=&service_code=JLN-01").await;
    assert_eq!(response.status(), 403);
}

#[tokio::test]
async fn o_05_dates_carry_their_zone() {
    let gate = gate().await;
    let (_, it) = json(&gate, "requests.json").await;
    for field in ["requested_datetime", "updated_datetime", "expected_datetime"] {
        let told = it[0][field].as_str().expect("a moment");
        assert!(DateTime::parse_from_rfc3339(told).is_ok(), "{field} {told}");
    }
    assert_eq!(it[0]["requested_datetime"], "2025-09-14T00:30:00Z");
}

#[tokio::test]
async fn o_06_services_are_the_categories_that_take_reports() {
    let gate = gate().await;
    let (status, it) = json(&gate, "services.json").await;
    let codes =
        it.as_array().expect("a list").iter().map(|it| it["service_code"].clone()).collect::<Vec<_>>();
    // Neither the branch nor what is retired; and from the second page too.
    assert_eq!((status, codes), (200, vec!["JLN-01".into(), "LMP-01".into()]));
    for service in it.as_array().expect("a list") {
        for field in ["service_code", "service_name", "type"] {
            assert!(service[field].is_string(), "{field}");
        }
        assert!(service["metadata"].is_boolean());
        assert_eq!(service["type"], "realtime");
    }
}

#[tokio::test]
async fn o_07_a_service_has_its_group_keywords_and_whether_it_is_defined() {
    let gate = gate().await;
    let (_, it) = json(&gate, "services.json").await;
    assert_eq!(it[0]["group"], "Infrastruktur");
    assert_eq!(it[0]["keywords"], "jalan,lubang");
    assert_eq!((&it[0]["metadata"], &it[1]["metadata"]), (&Value::Bool(true), &Value::Bool(false)));
    let (_, it) = xml(&gate, "services.xml").await;
    assert!(it.contains(&"services/service/metadata=true".to_owned()), "{it:?}");
}

#[tokio::test]
async fn o_08_a_definition_lists_its_attributes() {
    let gate = gate().await;
    let (status, it) = json(&gate, "services/JLN-01.json").await;
    assert_eq!((status, &it["service_code"]), (200, &Value::from("JLN-01")));
    let first = &it["attributes"][0];
    for (field, expected) in [
        ("variable", Value::Bool(true)),
        ("code", "UKURAN".into()),
        ("datatype", "singlevaluelist".into()),
        ("required", Value::Bool(true)),
        ("datatype_description", Value::Null),
        ("order", 1.into()),
        ("description", "Pertanyaan UKURAN".into()),
    ] {
        assert_eq!(first[field], expected, "{field}");
    }
    let (status, it) = xml(&gate, "services/JLN-01.xml").await;
    assert_eq!(status, 200);
    assert!(it.contains(&"service_definition/attributes/attribute/code=UKURAN".to_owned()), "{it:?}");
    let name = "service_definition/attributes/attribute/values/value/name=Nilai < kecil";
    assert!(it.contains(&name.to_owned()), "{it:?}");
}

#[tokio::test]
async fn o_09_attributes_and_values_have_their_order() {
    let gate = gate().await;
    let (_, it) = json(&gate, "services/JLN-01.json").await;
    let codes = it["attributes"].as_array().expect("a list").iter().map(|it| it["code"].clone());
    assert_eq!(codes.collect::<Vec<_>>(), ["UKURAN", "HARI", "LEBAR", "SEJAK"]);
    let keys = it["attributes"][0]["values"].as_array().expect("a list").iter().map(|it| it["key"].clone());
    assert_eq!(keys.collect::<Vec<_>>(), ["besar", "kecil"]);
}

#[tokio::test]
async fn o_10_a_service_that_is_not_there_or_not_defined_is_not_found() {
    let gate = gate().await;
    for code in ["XXX", "JLN", "LAMA-01", "LMP-01"] {
        let (status, it) = json(&gate, &format!("services/{code}.json")).await;
        assert_eq!(status, 404, "{code}");
        assert!(descriptions(&it).contains("service_code"), "{it}");
    }
}

#[tokio::test]
async fn o_11_another_jurisdiction_is_not_found_and_none_is_ours() {
    let gate = gate().await;
    for path in ["services", "services/JLN-01", "requests", "requests/ADU-2026-000123-7", "tokens/x"] {
        let (status, it) = json(&gate, &format!("{path}.json?jurisdiction_id=lain.go.id")).await;
        assert_eq!(status, 404, "{path}");
        assert!(descriptions(&it).contains("jurisdiction_id"), "{it}");
    }
    assert_eq!(json(&gate, "services.json?jurisdiction_id=aduan.contoh.go.id").await.0, 200);
    let (status, it) = file(&gate, "address_string=Pasar&jurisdiction_id=lain.go.id").await;
    assert_eq!(status, 404);
    assert!(descriptions(&it).contains("jurisdiction_id"), "{it}");
}

#[tokio::test]
async fn o_12_filing_needs_a_key_that_is_known() {
    let gate = gate().await;
    for form in ["service_code=JLN-01", "api_key=salah&service_code=JLN-01", "api_key=salah&service_code=XXX"]
    {
        let response = post(&gate, "xml", form).await;
        assert_eq!(response.status(), 403, "{form}");
        let it = elements(&text(response).await);
        assert!(it.contains(&"errors/error/code=403".to_owned()), "{it:?}");
        assert!(it.iter().any(|it| it.contains("description=api_key")), "{it:?}");
    }
    // A key in the address is none: addresses are written into logs.
    let request = Request::post(format!("/open311/v2/requests.json?api_key={API_KEY}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("service_code=JLN-01&address_string=Pasar&attribute[UKURAN]=kecil"));
    assert_eq!(gate.send(request.expect("a request")).await.status(), 403);
    assert!(gate.complaints.filed().is_empty());
    // Reading needs none.
    assert_eq!(json(&gate, "requests.json").await.0, 200);
}

#[tokio::test]
async fn o_13_filing_names_a_service_that_is_there() {
    let gate = gate().await;
    for (form, expected) in [("", 400), ("&service_code=XXX", 404), ("&service_code=JLN", 404)] {
        let response = post(&gate, "json", &format!("api_key={API_KEY}&address_string=Pasar{form}")).await;
        assert_eq!(response.status(), expected, "{form}");
        let it = serde_json::from_str(&text(response).await).expect("JSON");
        assert!(descriptions(&it).contains("service_code"), "{it}");
    }
}

#[tokio::test]
async fn o_14_filing_needs_one_of_three_locations() {
    let gate = gate().await;
    for location in ["lat=-3.5&long=114.75", "address_string=Pasar+Marabahan", "address_id=17.07.05.2003"] {
        assert_eq!(
            file(&gate, &format!("description=Lubang+yang+dalam&{location}")).await.0,
            201,
            "{location}"
        );
    }
    for (location, named) in [
        ("", "lat"),
        ("lat=-3.5", "long"),
        ("long=114", "lat"),
        ("lat=91&long=0", "lat"),
        ("lat=x&long=0", "lat"),
        ("lat=0&long=-180.1", "long"),
        ("lat=NaN&long=0", "lat"),
    ] {
        let (status, it) = file(&gate, location).await;
        assert_eq!(status, 400, "{location}");
        assert!(descriptions(&it).contains(named), "{location}: {it}");
    }
    assert_eq!(gate.complaints.filed().len(), 3);
}

#[tokio::test]
async fn o_15_attributes_are_held_against_their_definition() {
    let gate = gate().await;
    let with =
        |attributes: &str| format!("api_key={API_KEY}&service_code=JLN-01&address_string=Pasar&{attributes}");
    for (attributes, named) in [
        ("", "attribute[UKURAN]"),
        ("attribute[UKURAN]=raksasa", "attribute[UKURAN]"),
        ("attribute[UKURAN]=kecil&attribute[UKURAN]=besar", "attribute[UKURAN]"),
        ("attribute[UKURAN]=kecil&attribute[LEBAR]=lebar", "attribute[LEBAR]"),
        ("attribute[UKURAN]=kecil&attribute[SEJAK]=kemarin", "attribute[SEJAK]"),
        ("attribute[UKURAN]=kecil&attribute[WARNA]=merah", "attribute[WARNA]"),
    ] {
        let response = post(&gate, "json", &with(attributes)).await;
        assert_eq!(response.status(), 400, "{attributes}");
        let it = serde_json::from_str(&text(response).await).expect("JSON");
        assert!(descriptions(&it).contains(named), "{it}");
    }
    let sound =
        "attribute%5BUKURAN%5D=besar&attribute[HARI][]=senin&attribute[HARI][]=rabu&attribute[LEBAR]=1.5";
    assert_eq!(post(&gate, "json", &with(sound)).await.status(), 201);
    let extra = &gate.complaints.filed()[0].extra;
    assert_eq!(
        (extra["UKURAN"].as_str(), extra["HARI"].as_str(), extra["LEBAR"].as_str()),
        ("besar", "senin,rabu", "1.5")
    );
}

#[tokio::test]
async fn o_16_what_was_filed_has_its_id_at_once() {
    let gate = gate().await;
    let (status, it) = file(&gate, "lat=-3.5&long=114.75&description=Lubang+yang+dalam").await;
    assert_eq!(status, 201);
    let it = it.as_array().expect("a list");
    assert_eq!(it.len(), 1);
    assert_eq!(it[0]["service_request_id"], "ADU-2026-000125-3");
    // An id or a token, never both.
    assert!(it[0].get("token").is_none());
    assert!(it[0]["service_notice"].as_str().expect("a notice").contains("PIN 482913"));
    assert_eq!(it[0]["account_id"], Value::Null);
    let form = format!("api_key={API_KEY}&service_code=LMP-01&address_string=Pasar");
    let it = elements(&text(post(&gate, "xml", &form).await).await);
    assert!(
        it.contains(&"service_requests/request/service_request_id=ADU-2026-000125-3".to_owned()),
        "{it:?}"
    );
    assert!(it.contains(&"service_requests/request/account_id=".to_owned()), "{it:?}");
}

#[tokio::test]
async fn o_17_everything_that_was_told_reaches_the_service() {
    let gate = gate().await;
    let (status, _) = file(
        &gate,
        "lat=-3.5&long=114.75&address_string=Jl.+A&description=Lubang+%3Cdalam%3E+%26+besar&first_name=Siti\
         &last_name=Aminah&email=siti%40warga.example&phone=%2B62812000&device_id=x&account_id=y\
         &media_url=https://foto.example/a.jpg&secrecy=anonim",
    )
    .await;
    assert_eq!(status, 201);
    let filed = gate.complaints.filed().remove(0);
    assert_eq!(filed.text, "Lubang <dalam> & besar\n\nMedia: https://foto.example/a.jpg");
    assert_eq!(
        (filed.channel(), filed.secrecy(), filed.category.as_str()),
        (Channel::Open311, Secrecy::Anonymous, "JLN-01")
    );
    let contact = filed.contact.expect("a contact");
    assert_eq!((contact.name.as_str(), contact.phone.as_str()), ("Siti Aminah", "+62812000"));
    assert_eq!(contact.email, "siti@warga.example");
    let place = filed.place.expect("a place");
    assert_eq!(
        (place.latitude, place.longitude, place.address.as_str()),
        (Some(-3.5), Some(114.75), "Jl. A")
    );
    assert!(!filed.request_id.is_empty());
    // Nothing of it is needed.
    assert_eq!(file(&gate, "address_string=Pasar").await.0, 201);
    let bare = gate.complaints.filed().remove(1);
    assert_eq!((bare.text.as_str(), bare.contact.is_none()), ("Jalan berlubang (tanpa uraian)", true));
}

#[tokio::test]
async fn o_18_a_description_has_4000_characters_at_most() {
    let gate = gate().await;
    let longest = "%C3%A9".repeat(4_000);
    assert_eq!(file(&gate, &format!("address_string=Pasar&description={longest}")).await.0, 201);
    let (status, it) = file(&gate, &format!("address_string=Pasar&description={longest}a")).await;
    assert_eq!(status, 400);
    assert!(descriptions(&it).contains("description"), "{it}");
}

#[tokio::test]
async fn o_19_a_form_is_urlencoded_utf_8() {
    let gate = gate().await;
    let form = format!("api_key={API_KEY}&service_code=LMP-01&address_string=Pasar");
    for (media_type, expected) in [
        ("application/x-www-form-urlencoded", 201),
        ("application/x-www-form-urlencoded; charset=UTF-8", 201),
        ("application/x-www-form-urlencoded; charset=latin1", 400),
        ("application/json", 400),
        ("multipart/form-data; boundary=x", 400),
    ] {
        let request = Request::post("/open311/v2/requests.json").header("content-type", media_type);
        let request = request.body(Body::from(form.clone())).expect("a request");
        assert_eq!(gate.send(request).await.status(), expected, "{media_type}");
    }
}

#[tokio::test]
async fn o_20_errors_have_a_code_and_name_each_parameter() {
    let gate = gate().await;
    let (status, it) = file(&gate, "lat=x&long=200&attribute[LEBAR]=y&secrecy=z").await;
    assert_eq!(status, 400);
    assert_eq!(it.as_array().map(Vec::len), Some(4), "{it}");
    for named in ["lat ", "long ", "attribute[LEBAR]", "secrecy"] {
        assert!(descriptions(&it).contains(named), "{named}: {it}");
    }
    assert!(it.as_array().expect("a list").iter().all(|it| it["code"] == 400));
    // What the service itself refuses is told by the parameter it came from.
    let (status, it) = file(&gate, "address_string=Pasar&phone=x").await;
    assert_eq!(status, 400);
    assert!(descriptions(&it).starts_with("phone: give a telephone number"), "{it}");
    let (status, it) = xml(&gate, "requests/x.xml").await;
    assert_eq!(status, 404);
    assert!(it.contains(&"errors/error/code=404".to_owned()), "{it:?}");
}

#[tokio::test]
async fn o_21_ids_are_given_at_once_so_no_token_is_known() {
    let gate = gate().await;
    let (status, it) = json(&gate, "tokens/5f3c.json").await;
    assert_eq!(status, 404);
    assert!(descriptions(&it).contains("token"), "{it}");
}

fn asked(gate: &Gate) -> (i64, i64) {
    let listed = gate.complaints.listed();
    let seconds = |at: Option<prost_types::Timestamp>| at.expect("a moment").seconds;
    (seconds(listed.received_from), seconds(listed.received_before))
}

#[tokio::test]
async fn o_22_a_list_reaches_over_the_last_90_days() {
    let gate = gate().await;
    let (status, it) = json(&gate, "requests.json").await;
    assert_eq!((status, it.as_array().map(Vec::len)), (200, Some(2)));
    let (from, before) = asked(&gate);
    assert!((before - from - 90 * 86_400).abs() <= 1);
}

#[tokio::test]
async fn o_23_dates_bound_a_list_and_span_90_days_at_most() {
    let gate = gate().await;
    let (start, end) = (1_756_684_800, 1_757_289_600);
    json(&gate, "requests.json?start_date=2025-09-01T08:00:00%2B08:00&end_date=2025-09-08T00:00:00Z").await;
    // The end is included.
    assert_eq!(asked(&gate), (start, end + 1));
    json(&gate, "requests.json?start_date=2025-09-01T00:00:00Z").await;
    assert_eq!(asked(&gate), (start, start + 90 * 86_400 + 1));
    json(&gate, "requests.json?end_date=2025-09-08T00:00:00Z").await;
    assert_eq!(asked(&gate), (end - 90 * 86_400, end + 1));
    for (query, named) in [
        ("start_date=2025-01-01T00:00:00Z&end_date=2025-05-01T00:00:00Z", "90 days"),
        ("start_date=2025-05-01T00:00:00Z&end_date=2025-01-01T00:00:00Z", "later"),
        ("start_date=kemarin", "start_date"),
        ("end_date=2025-13-01", "end_date"),
    ] {
        let (status, it) = json(&gate, &format!("requests.json?{query}")).await;
        assert_eq!(status, 400, "{query}");
        assert!(descriptions(&it).contains(named), "{it}");
    }
}

#[tokio::test]
async fn o_24_status_is_open_closed_or_both() {
    let gate = gate().await;
    for (status, expected) in [("open", 1), ("closed", 1), ("open,closed", 2), ("closed,%20open", 2)] {
        let (_, it) = json(&gate, &format!("requests.json?status={status}")).await;
        assert_eq!(it.as_array().map(Vec::len), Some(expected), "{status}");
    }
    let (_, it) = json(&gate, "requests.json?status=closed").await;
    assert_eq!((&it[0]["status"], &it[0]["status_notes"]), (&"closed".into(), &"Sudah ditambal".into()));
    let (status, it) = json(&gate, "requests.json?status=open,rusak").await;
    assert_eq!(status, 400);
    assert!(descriptions(&it).contains("status"), "{it}");
}

#[tokio::test]
async fn o_25_service_code_is_a_comma_list() {
    let gate = gate().await;
    let (_, it) = json(&gate, "requests.json?service_code=LMP-01,%20JLN-01").await;
    assert_eq!(it.as_array().map(Vec::len), Some(2));
    assert_eq!(gate.complaints.listed().category, "LMP-01,JLN-01");
}

#[tokio::test]
async fn o_26_service_request_id_is_a_comma_list_and_overrides_every_filter() {
    let gate = gate().await;
    let (status, it) = json(
        &gate,
        "requests.json?service_request_id=ADU-2026-000123-7,ADU-2026-000124-5,ADU-0&status=closed&service_code=XXX\
         &start_date=kemarin",
    )
    .await;
    assert_eq!((status, it.as_array().map(Vec::len)), (200, Some(2)));
    let listed = gate.complaints.listed();
    assert_eq!((listed.received_from, listed.closed, listed.category.as_str()), (None, None, ""));
}

#[tokio::test]
async fn o_27_a_list_holds_1000_at_most() {
    let gate = gate().await;
    gate.complaints.publish(1_100);
    let (_, it) = json(&gate, "requests.json").await;
    assert_eq!(it.as_array().map(Vec::len), Some(1_000));
}

#[tokio::test]
async fn o_28_every_field_is_there_even_when_it_is_empty() {
    let gate = gate().await;
    let (_, it) = json(&gate, "requests.json?status=open").await;
    let object = it[0].as_object().expect("an object");
    assert_eq!(object.keys().map(String::as_str).collect::<Vec<_>>(), FIELDS);
    for field in ["status_notes", "service_notice", "address", "zipcode", "media_url"] {
        assert_eq!(object[field], Value::Null, "{field}");
    }
    let (_, it) = xml(&gate, "requests.xml?status=open").await;
    for field in FIELDS {
        let path = format!("service_requests/request/{field}=");
        assert!(it.iter().any(|it| it.starts_with(&path)), "{field}: {it:?}");
    }
    assert!(it.contains(&"service_requests/request/description=Lubang <besar> & dalam".to_owned()), "{it:?}");
}

#[tokio::test]
async fn o_29_one_request_is_a_list_of_one() {
    let gate = gate().await;
    let (status, it) = json(&gate, "requests/ADU-2026-000123-7.json").await;
    assert_eq!((status, it.as_array().map(Vec::len)), (200, Some(1)));
    assert_eq!(it[0]["service_request_id"], "ADU-2026-000123-7");
    for id in ["ADU-2026-999999-9", "ADU-2026-000123-7,ADU-2026-000124-5", "%20"] {
        let (status, it) = json(&gate, &format!("requests/{id}.json")).await;
        assert_eq!(status, 404, "{id}");
        assert!(descriptions(&it).contains("service_request_id"), "{it}");
    }
}

/// That the service itself tells nothing of what is secret, withheld or whistleblowing is held by its own tests; here: what
/// it does not tell is not found, in the words of what never was.
#[tokio::test]
async fn o_30_what_is_not_published_is_not_found_like_what_never_was() {
    let gate = gate().await;
    let told = async |id: &str| {
        let (status, it) = json(&gate, &format!("requests/{id}.json")).await;
        (status, it.to_string().replace(id, "ID"))
    };
    assert_eq!(told("ADU-2026-000200-1").await, told("ADU-2026-999999-9").await);
    assert_eq!(told("ADU-2026-000200-1").await.0, 404);
}

#[tokio::test]
async fn o_31_nothing_of_a_reporter_is_ever_read_back() {
    let gate = gate().await;
    file(&gate, "address_string=Pasar&first_name=Siti&phone=%2B62812000&email=siti%40warga.example").await;
    for path in ["requests", "requests/ADU-2026-000123-7", "services", "discovery"] {
        for format in ["json", "xml"] {
            let text = text(get(&gate, &format!("{path}.{format}")).await).await;
            for secret in ["Siti", "62812000", "siti@", "first_name", "phone", "email"] {
                assert!(!text.contains(secret), "{path}.{format}: {secret}");
            }
        }
    }
}

#[tokio::test]
async fn o_32_ids_are_text_coordinates_numbers_and_other_addresses_are_refused_in_shape() {
    let gate = gate().await;
    let (_, it) = json(&gate, "requests.json").await;
    assert!(it[0]["service_request_id"].is_string() && it[0]["service_code"].is_string());
    assert_eq!((it[0]["lat"].as_f64(), it[0]["long"].as_f64()), (Some(-3.5), Some(114.75)));
    for (path, expected) in [("nothing.json", 404), ("requests/a/b.json", 404)] {
        let (status, it) = json(&gate, path).await;
        assert_eq!((status, &it[0]["code"]), (expected, &Value::from(expected)), "{path}");
    }
    for path in ["services", "services.html", "requests"] {
        let (status, it) = xml(&gate, path).await;
        assert_eq!(status, 404, "{path}");
        assert!(it.contains(&"errors/error/code=404".to_owned()), "{it:?}");
    }
    let request = Request::post("/open311/v2/services.json").body(Body::empty()).expect("a request");
    assert_eq!(gate.send(request).await.status(), 405);
}

const UPDATES: &str = "servicerequestupdates";
const FIELDS_OF_UPDATE: [&str; 8] = [
    "update_id",
    "service_request_id",
    "status",
    "description",
    "updated_datetime",
    "media_url",
    "external_status_code",
    "customer_reference",
];

/// Pushes an update with a sound key.
async fn push(gate: &Gate, format: &str, rest: &str) -> Response<Body> {
    let form = format!("api_key={PARTNER_KEY}&{rest}");
    let request = Request::post(format!("/open311/v2/{UPDATES}.{format}"))
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .body(Body::from(form));
    gate.send(request.expect("a request")).await
}

#[tokio::test]
async fn c_62_updates_are_listed_in_both_formats_with_the_words_of_the_extension() {
    let gate = gate().await;
    let (status, it) = json(&gate, &format!("{UPDATES}.json")).await;
    assert_eq!((status, it.as_array().map(Vec::len)), (200, Some(4)), "every page is read: {it}");
    for update in it.as_array().expect("a list") {
        let object = update.as_object().expect("an object");
        assert_eq!(object.keys().map(String::as_str).collect::<Vec<_>>(), FIELDS_OF_UPDATE);
    }
    let told =
        |at: usize| (it[at]["status"].as_str().expect("a word"), it[at]["external_status_code"].as_str());
    assert_eq!(told(0), ("OPEN", Some("NEW")));
    assert_eq!(told(1), ("IN_PROGRESS", Some("IN_PROGRESS")));
    assert_eq!(told(2), ("IN_PROGRESS", Some("AWAITING_CONFIRMATION")));
    assert_eq!(told(3), ("FIXED", Some("SETTLED")));
    assert_eq!((&it[0]["description"], &it[2]["description"]), (&Value::Null, &"Sudah ditambal".into()));
    assert_eq!(it[1]["update_id"], "ADU-2026-000123-7.5");
    assert_eq!(it[1]["updated_datetime"], "2025-09-14T00:30:05Z");
    let (status, it) = xml(&gate, &format!("{UPDATES}.xml")).await;
    assert_eq!(status, 200);
    for expected in [
        "service_requests_updates/request_update/update_id=ADU-2026-000123-7.5",
        "service_requests_updates/request_update/description=Tim < 2 hari > ke lokasi & mengukur",
        "service_requests_updates/request_update/status=FIXED",
    ] {
        assert!(it.iter().any(|element| element == expected), "{expected}: {it:?}");
    }
}

#[tokio::test]
async fn c_62_updates_are_asked_for_by_time_or_by_report() {
    let gate = gate().await;
    let path = |query: &str| format!("{UPDATES}.json?{query}");
    let seconds = |at: Option<prost_types::Timestamp>| at.expect("a moment").seconds;
    json(&gate, &path("start_date=2025-09-01T08:00:00%2B08:00&end_date=2025-09-08T00:00:00Z&api_key=x"))
        .await;
    let asked = gate.complaints.updates_listed();
    assert_eq!((seconds(asked.from), seconds(asked.before)), (1_756_684_800, 1_757_289_601));
    json(&gate, &path("service_request_id=ADU-2026-000123-7,%20ADU-0&start_date=kemarin")).await;
    let asked = gate.complaints.updates_listed();
    assert_eq!((asked.numbers.as_str(), asked.from, asked.before), ("ADU-2026-000123-7,ADU-0", None, None));
    for (query, named) in [
        ("start_date=kemarin", "start_date"),
        ("start_date=2025-01-01T00:00:00Z&end_date=2025-05-01T00:00:00Z", "90 days"),
        (&format!("service_request_id={}", vec!["A"; 101].join(",")), "service_request_id"),
    ] {
        let (status, it) = json(&gate, &path(query)).await;
        assert_eq!(status, 400, "{query}");
        assert!(descriptions(&it).contains(named), "{it}");
    }
    assert_eq!(json(&gate, &path("jurisdiction_id=lain.go.id")).await.0, 404);
}

#[tokio::test]
async fn c_62_an_update_of_a_partner_reaches_the_service_whole_and_is_answered_in_both_formats() {
    let gate = gate().await;
    let form = "service_request_id=ADU-2026-000123-7&update_id=77&updated_datetime=2025-09-14T08:30:00%2B08:00\
                &status=IN_PROGRESS&description=Tim+menuju+lokasi&media_url=https://foto.example/a.jpg\
                &first_name=Siti&email=siti%40warga.example";
    let response = push(&gate, "json", form).await;
    assert_eq!(response.status(), 201);
    let told: Value = serde_json::from_str(&text(response).await).expect("JSON");
    assert_eq!(told, serde_json::json!([{"update_id": "ADU-2026-000123-7.9"}]));
    let it = elements(&text(push(&gate, "xml", form).await).await);
    assert!(
        it.contains(&"service_request_updates/request_update/update_id=ADU-2026-000123-7.9".into()),
        "{it:?}"
    );
    let other = form.replace("update_id=77", "update_id=78");
    assert_eq!(push(&gate, "json", &other).await.status(), 201);
    let pushed = gate.complaints.pushed();
    let first = &pushed[0];
    assert_eq!((first.number.as_str(), first.update_id.as_str()), ("ADU-2026-000123-7", "77"));
    assert_eq!(
        (first.status.as_str(), first.updated_at.expect("a moment").seconds),
        ("IN_PROGRESS", 1_757_809_800)
    );
    assert_eq!(first.text, "Tim menuju lokasi\n\nMedia: https://foto.example/a.jpg");
    // What is sent again is the same request, another update is another one; and the key is no part of its name.
    assert_eq!(first.request_id, pushed[1].request_id);
    assert_ne!(first.request_id, pushed[2].request_id);
    assert!(!first.request_id.contains(PARTNER_KEY) && first.request_id.len() <= 100);
}

#[tokio::test]
async fn c_62_an_update_is_refused_by_its_key_its_report_and_its_fields() {
    let gate = gate().await;
    let sound = "update_id=1&status=OPEN&updated_datetime=2025-09-14T08:30:00Z";
    for (form, status, named) in [
        (format!("service_request_id=ADU-9&{sound}"), 404, "service_request_id ADU-9"),
        (sound.to_owned(), 400, "service_request_id"),
        (format!("service_request_id=ADU-2026-000124-5&{sound}"), 400, "closed"),
        (format!("service_request_id=ADU-2026-000125-3&{sound}"), 400, "update_id"),
        ("service_request_id=ADU-2026-000123-7&updated_datetime=kemarin".to_owned(), 400, "updated_datetime"),
        (format!("service_request_id=ADU-2026-000123-7&media_url=x&{sound}"), 400, "media_url"),
        (
            format!("service_request_id=ADU-2026-000123-7&jurisdiction_id=lain&{sound}"),
            404,
            "jurisdiction_id",
        ),
    ] {
        let response = push(&gate, "json", &form).await;
        assert_eq!(response.status(), status, "{form}");
        let it = serde_json::from_str(&text(response).await).expect("JSON");
        assert!(descriptions(&it).contains(named), "{form}: {it}");
    }
    for key in ["", "api_key=&", "api_key=salah&"] {
        let request = Request::post(format!("/open311/v2/{UPDATES}.xml?api_key={PARTNER_KEY}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(format!("{key}service_request_id=ADU-9&{sound}")));
        let response = gate.send(request.expect("a request")).await;
        assert_eq!(response.status(), 403, "{key}");
        let it = elements(&text(response).await);
        assert!(it.contains(&"errors/error/code=403".to_owned()), "{it:?}");
    }
    let request = Request::put(format!("/open311/v2/{UPDATES}.json")).body(Body::empty()).expect("a request");
    assert_eq!(gate.send(request).await.status(), 405);
    assert!(gate.complaints.pushed().is_empty());
}
