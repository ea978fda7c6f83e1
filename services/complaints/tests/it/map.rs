//! Where cases lie, as officers and as everybody may see it.

use mpp_kit::testing::Engine;
use mpp_proto::complaints::v1::*;
use tonic::Code;

use crate::regency::*;

/// A point with a tail of its own, which is found in whatever tells it.
const POINTS: [(f64, f64); 4] = [
    (-3.123_456, 102.234_567),
    (-3.127_891, 102.231_239),
    (-3.181_716, 102.298_187),
    (-3.252_729, 102.401_314),
];
/// Digits that stand in nothing but those points.
const TAILS: [&str; 4] = ["3456", "7891", "1716", "2729"];

fn placed(point: usize, secrecy: Secrecy) -> FileComplaintRequest {
    let place = Place {
        village_code: format!("17.07.02.200{}", 1 + point % 3),
        latitude: Some(POINTS[point].0),
        longitude: Some(POINTS[point].1),
        address: String::new(),
    };
    FileComplaintRequest { place: Some(place), secrecy: secrecy.into(), ..Regency::report() }
}

async fn publish(regency: &Regency, id: &str) {
    let request = SetComplaintPublicationRequest {
        complaint: id.to_owned(),
        publication: Publication::Public.into(),
        ..SetComplaintPublicationRequest::default()
    };
    regency.coordinator().set_complaint_publication(request).await.unwrap();
}

async fn map(client: &Client, list: WorkList, square: &str) -> ComplaintMap {
    let request = GetComplaintMapRequest {
        list: list.into(),
        square: square.to_owned(),
        ..GetComplaintMapRequest::default()
    };
    client.get_complaint_map(request).await.unwrap().map.unwrap()
}

/// The cases of a list in a part of the map, page by page.
async fn listed(client: &Client, list: WorkList, square: &str) -> Vec<ComplaintLine> {
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListComplaintsRequest {
            list: list.into(),
            square: square.to_owned(),
            page_size: 2,
            page_token,
            ..ListComplaintsRequest::default()
        };
        let page = client.list_complaints(request).await.unwrap();
        found.extend(page.complaints);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return found;
        }
    }
}

async fn published_map(regency: &Regency, square: &str) -> ComplaintMap {
    let request = GetPublishedMapRequest { square: square.to_owned(), ..GetPublishedMapRequest::default() };
    regency.nobody().get_published_map(request).await.unwrap().map.unwrap()
}

async fn published(regency: &Regency, square: &str) -> Vec<PublishedComplaint> {
    let request = ListPublishedComplaintsRequest {
        square: square.to_owned(),
        ..ListPublishedComplaintsRequest::default()
    };
    regency.nobody().list_published_complaints(request).await.unwrap().complaints
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap()
}

/// Follows every number of a map to its list, and every square to the finer map of it.
async fn follow(client: &Client, list: WorkList, square: String) -> ComplaintMap {
    let whole = map(client, list, &square).await;
    assert_eq!(whole.cells.iter().map(|it| it.count).sum::<i64>(), whole.inside);
    for cell in &whole.cells {
        let lines = listed(client, list, &cell.square).await;
        assert_eq!(count(lines.len()), cell.count, "{} {list:?} {}", client.sub, cell.square);
        if cell.square != square {
            let finer = Box::pin(follow(client, list, cell.square.clone())).await;
            assert_eq!((finer.inside, finer.outside, finer.unplaced), (cell.count, 0, 0));
        }
    }
    whole
}

lines! {
    async fn c_57_each_number_of_a_map_is_the_length_of_the_list_it_opens(engine) {
        let regency = Regency::new(engine).await;
        let mut disposed = Vec::new();
        for (point, secrecy) in [(0, Secrecy::Open), (1, Secrecy::Anonymous), (2, Secrecy::Secret), (3, Secrecy::Open), (3, Secrecy::Open)] {
            disposed.push(regency.file(placed(point, secrecy)).await.id);
        }
        let nowhere = FileComplaintRequest { place: None, ..Regency::report() };
        disposed.push(regency.file(nowhere).await.id);
        for id in &disposed[..4] {
            regency.disposed(id).await;
        }
        // One agency helps with a case of another, and one case is over.
        let helped = regency.file(placed(2, Secrecy::Open)).await;
        regency.coordinator().verify(&helped.id).await.unwrap();
        let helper = Helper { agency_id: DINKES.to_owned(), task: "Periksa air tergenang".to_owned(), due_at: stamp(moment(MONDAY) + chrono::TimeDelta::days(2)), ..Helper::default() };
        let request = DisposeComplaintRequest { complaint: helped.id.clone(), agency_id: PUPR.to_owned(), helpers: vec![helper], ..DisposeComplaintRequest::default() };
        regency.coordinator().dispose_complaint(request).await.unwrap();
        let archive = ArchiveComplaintRequest { complaint: disposed[4].clone(), reason: "TEST".to_owned(), advice: "Ini hanya percobaan formulir.".to_owned(), ..ArchiveComplaintRequest::default() };
        regency.coordinator().archive_complaint(archive).await.unwrap();

        for client in [regency.coordinator(), regency.bupati(), regency.agency(PUPR), regency.head(DINKES)] {
            for list in [WorkList::Unspecified, WorkList::Mine, WorkList::Late, WorkList::DueToday, WorkList::ToCoordinate] {
                let whole = follow(&client, list, String::new()).await;
                let all = listed(&client, list, "").await.len();
                assert_eq!(whole.inside + whole.outside + whole.unplaced, count(all), "{} {list:?}", client.sub);
                assert_eq!(count(listed(&client, list, "none").await.len()), whole.unplaced, "{} {list:?}", client.sub);
                if !whole.square.is_empty() {
                    assert_eq!(count(listed(&client, list, &whole.square).await.len()), whole.inside);
                    assert_eq!(count(listed(&client, list, &format!("!{}", whole.square)).await.len()), whole.outside);
                }
            }
        }
        let everything = map(&regency.bupati(), WorkList::Unspecified, "").await;
        assert_eq!((everything.inside, everything.unplaced), (6, 1));
        assert_eq!(map(&regency.agency(PUPR), WorkList::Unspecified, "").await.inside, 5, "its own and no other");
        assert_eq!(map(&regency.head(DINKES), WorkList::Unspecified, "").await.inside, 1, "what it helps with");
        assert_eq!(everything.cells.iter().filter(|it| it.village_codes == ["17.07.02.2003"]).count(), 1);
        for (list, square, field) in [(WorkList::ToAcknowledge, "", "list"), (WorkList::Unspecified, "rumah", "square"), (WorkList::Unspecified, "none", "square")] {
            let request = GetComplaintMapRequest { list: list.into(), square: square.to_owned(), ..GetComplaintMapRequest::default() };
            assert!(regency.bupati().get_complaint_map(request).await.unwrap_err().fields.contains_key(field), "{square}");
        }
        let wrong = ListComplaintsRequest { square: "1,2".to_owned(), ..ListComplaintsRequest::default() };
        assert!(regency.bupati().list_complaints(wrong).await.unwrap_err().fields.contains_key("square"));
        assert_eq!(regency.nobody().get_complaint_map(GetComplaintMapRequest::default()).await.unwrap_err().code, Code::Unauthenticated);
    }

    async fn c_57_wrongdoing_is_on_the_map_of_the_inspectorate_alone(engine) {
        let regency = Regency::new(engine).await;
        let whistle = FileComplaintRequest { complaint_class: ComplaintClass::Whistleblowing.into(), about_agency_id: PUPR.to_owned(), ..placed(3, Secrecy::Anonymous) };
        regency.file(whistle).await;
        for client in [regency.coordinator(), regency.bupati(), regency.agency(PUPR), regency.head(PUPR)] {
            assert_eq!(map(&client, WorkList::Unspecified, "").await, ComplaintMap::default(), "{}", client.sub);
        }
        let own = follow(&regency.inspector("acc_inspector"), WorkList::Unspecified, String::new()).await;
        assert_eq!(own.inside, 1);
        assert_eq!(published_map(&regency, "").await, ComplaintMap::default());
    }

    async fn c_57_the_public_map_counts_what_is_published_and_tells_no_exact_point_of_who_is_not_shown(engine) {
        let regency = Regency::new(engine).await;
        let open = regency.file(placed(0, Secrecy::Open)).await;
        let anonymous = regency.file(placed(1, Secrecy::Anonymous)).await;
        let secret = regency.file(placed(2, Secrecy::Secret)).await;
        let unpublished = regency.file(placed(3, Secrecy::Open)).await;
        for filed in [&open, &anonymous] {
            publish(&regency, &filed.id).await;
        }
        let whole = published_map(&regency, "").await;
        assert_eq!((whole.inside, whole.outside, whole.unplaced), (2, 0, 0));
        // Every answer that anybody gets, down to the finest squares and around every point.
        let mut told = vec![format!("{whole:?}")];
        let mut squares = vec![whole.square.clone()];
        while let Some(square) = squares.pop() {
            let finer = published_map(&regency, &square).await;
            let list = published(&regency, &square).await;
            assert_eq!(count(list.len()), finer.inside, "{square}");
            told.push(format!("{finer:?} {list:?}"));
            squares.extend(finer.cells.iter().filter(|it| it.square != square).map(|it| it.square.clone()));
        }
        for point in POINTS {
            let near = ListSimilarComplaintsRequest { category: "JALAN".to_owned(), latitude: point.0, longitude: point.1, ..ListSimilarComplaintsRequest::default() };
            told.push(format!("{:?}", regency.nobody().list_similar_complaints(near).await.unwrap()));
        }
        for square in ["none", &format!("!{}", whole.square)] {
            assert!(published(&regency, square).await.is_empty(), "{square}");
        }
        let told = told.join("\n");
        assert!(told.contains(TAILS[0]), "who asked for no secrecy is found by the point: {told}");
        assert!(told.contains(&anonymous.number));
        for tail in &TAILS[1..] {
            assert!(!told.contains(tail), "{tail}: {told}");
        }
        for filed in [&secret, &unpublished] {
            assert!(!told.contains(&filed.number));
        }
        let lowered = published(&regency, "").await.into_iter().find(|it| it.number == anonymous.number).unwrap();
        let place = lowered.place.unwrap();
        assert_eq!((place.latitude, place.longitude), (Some(-3.13), Some(102.23)));

        // Officers find the place of who asked for no secrecy, and of nobody else.
        let lines = listed(&regency.coordinator(), WorkList::Unspecified, "").await;
        let point = |id: &str| lines.iter().find(|it| it.id == id).and_then(|it| it.latitude.zip(it.longitude));
        assert_eq!(point(&open.id), Some(POINTS[0]));
        assert_eq!(point(&anonymous.id), Some((-3.13, 102.23)));
        assert_eq!(point(&secret.id), Some((-3.18, 102.3)));

        // Who asks for secrecy later is lowered from then on.
        let later = AnswerComplaintRequest { secrecy: Secrecy::Anonymous.into(), ..open.says("") };
        regency.nobody().answer_complaint(later).await.unwrap();
        let shown = format!("{:?} {:?}", published(&regency, "").await, listed(&regency.bupati(), WorkList::Unspecified, "").await);
        assert!(shown.contains(&open.number) && !shown.contains(TAILS[0]), "{shown}");
    }
}
