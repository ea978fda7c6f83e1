//! The pages of the map: pictures of links and tables that say the same, without a script.

use http::StatusCode;

use crate::{
    cases::{CASE, FINEST, LOWERED, NEAR},
    fake::{Gate, with},
    letters::{by_cookie, get, text},
};

async fn open(gate: &Gate, path: &str) -> String {
    let response = gate.send(get(path)).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    text(response).await
}

/// The circles of a picture: where each leads, and what it says.
fn dots(page: &str) -> Vec<(String, String)> {
    let part = |text: &str, name: &str| {
        let rest = text.split(&format!("{name}=\"")).nth(1).expect("an attribute");
        rest.split('"').next().expect("its value").replace("&#38;", "&")
    };
    page.split("<a ")
        .filter(|it| it.contains("class=\"dot"))
        .map(|it| (part(it, "href"), part(it, "aria-label")))
        .collect()
}

#[tokio::test]
async fn c_57_the_public_map_is_a_picture_of_links_and_a_table_that_says_the_same() {
    let gate = Gate::cases().await;
    let page = open(&gate, "/peta?kategori=JALAN-LUBANG").await;
    let dots = dots(&page);
    let to = |square: &str| format!("/peta?kategori=JALAN-LUBANG&petak={square}");
    assert_eq!(
        dots.iter().map(|(to, _)| to.as_str()).collect::<Vec<_>>(),
        [to("-359,10224,3"), to("-371,10206,3")]
    );
    assert!(dots[0].1.ends_with(": 2 laporan") && dots[0].1.contains("3,59° LS 102,26° BT"), "{dots:?}");
    assert!(dots[1].1.starts_with("Desa tidak disebut"), "{dots:?}");
    // The same in the table, and what the picture cannot show beside it.
    for (square, count) in [("-359,10224,3", 2), ("-371,10206,3", 1_000)] {
        let link = format!("href=\"{}\" aria-label", to(square).replace('&', "&#38;"));
        assert!(page.contains(&link) && page.contains(&format!(">{count}</a>")), "{square}");
    }
    assert!(page.contains("1006 laporan."), "with those that it does not show");
    for part in ["!-380,10200,30", "tanpa-titik", "-380,10200,30"] {
        assert!(page.contains(&format!("petak={part}\"")), "{part}");
    }
    assert!(!page.contains("style=") && !page.contains("=\"http"), "nothing from elsewhere: {page}");
    assert!(!page.contains("<script"), "it works without one");
    let english = open(&gate, "/peta?lang=en").await;
    assert!(english.contains("3.59° S 102.26° E"));
}

#[tokio::test]
async fn c_57_a_square_shows_its_list_and_the_finest_one_each_case() {
    let gate = Gate::cases().await;
    let page = open(&gate, "/peta?tab=selesai&petak=-380,10220,10").await;
    let asked = gate.cases.published();
    assert_eq!((asked.square.as_str(), asked.closed, asked.page_size), ("-380,10220,10", Some(true), 50));
    assert_eq!(dots(&page)[0].0, format!("/peta?tab=selesai&petak={FINEST}"));
    assert!(page.contains("petak=-390,10210,30"), "the way to what is around");
    assert!(page.contains(NEAR) && page.contains("&#60;b&#62;besar") && !page.contains("<b>besar"));

    let page = open(&gate, &format!("/peta?petak={FINEST}")).await;
    let found = dots(&page);
    assert_eq!(found[0], (format!("#{NEAR}"), format!("1. Jalan berlubang, {NEAR}")));
    assert_eq!(
        found[1],
        (format!("#{LOWERED}"), format!("2. Jalan berlubang, {LOWERED}, lokasi disamarkan"))
    );
    assert_eq!(page.matches("class=\"dot lowered").count(), 1);
    for number in [NEAR, LOWERED] {
        assert!(page.contains(&format!("<li id=\"{number}\"")), "where the circle leads");
    }
    for (part, asked) in [("tanpa-titik", "none"), ("!-380,10200,30", "!-380,10200,30")] {
        let page = open(&gate, &format!("/peta?petak={part}")).await;
        assert_eq!(gate.cases.published().square, asked);
        assert!(!page.contains("class=\"map\"") && page.contains(NEAR), "{part}");
    }
}

#[tokio::test]
async fn c_57_officers_see_the_map_of_a_list_after_they_signed_in() {
    let gate = Gate::cases().await;
    let response = gate.send(get("/aduan/peta?tab=terlambat")).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let open = async |path: &str| {
        let response = gate.send(by_cookie(with(get(path), "accept-language", "id"))).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        text(response).await
    };
    let page = open("/aduan/peta?tab=terlambat&kategori=AIR").await;
    let asked = gate.cases.mapped();
    assert_eq!((asked.list, asked.category.as_str(), asked.square.as_str()), (3, "AIR", ""));
    assert_eq!(dots(&page)[0].0, "/aduan/peta?tab=terlambat&kategori=AIR&petak=-359,10224,3");
    assert!(!page.contains("tab=tangani"), "what waits to be acknowledged has no map");
    let page = open(&format!("/aduan/peta?tab=semua&petak={FINEST}")).await;
    let asked = gate.cases.listed();
    assert_eq!((asked.list, asked.square.as_str()), (0, FINEST));
    assert!(dots(&page).iter().any(|(to, _)| to == &format!("/aduan/{CASE}")), "{:?}", dots(&page));
    assert!(open("/aduan?tab=terlambat").await.contains("/aduan/peta?tab=terlambat"));
}
