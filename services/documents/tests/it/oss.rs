//! OSS-RBA calls: from the raw call to the licence that a DPMPTSP polls.

use mpp_proto::documents::v1 as proto;
use serde_json::json;
use tonic::{Code, Request};

use crate::exchange::{World, on_both};

/// `printf 'OSSUSERrahasia123456789012320261123' | sha1sum`
pub(crate) const TOKEN: &str = "374e34078ef6a9dbc24ca39b4f7953da609a108a";

/// What OSS sends for one licence.
pub(crate) fn receive_nib(id_izin: &str) -> proto::ReceiveOssCallRequest {
    let row = json!({
        "id_proyek": "R-202611230001",
        "id_izin": id_izin,
        "jenis_izin": "02",
        "kd_izin": "033000000001",
        "kd_daerah": "1707000000",
        "kewenangan": "02",
        "nama_izin": "Izin Praktik",
    });
    let nib = json!({
        "nib": "1234567890123",
        "oss_id": format!("oss-{id_izin}"),
        "nama_perseroan": "Klinik Contoh",
        "data_checklist": [row],
    });
    proto::ReceiveOssCallRequest {
        method: "receiveNIB".to_owned(),
        token: TOKEN.to_owned(),
        body: json!({ "dataNIB": nib }).to_string(),
    }
}

async fn licences(world: &World) -> Vec<proto::Licence> {
    let request = proto::ListLicencesRequest::default();
    let request = world.as_caller("acc_dpmptsp", &["documents.integrate"], request);
    world.client.clone().list_licences(request).await.unwrap().into_inner().licences
}

#[tokio::test(flavor = "multi_thread")]
async fn line_30_a_call_of_oss_needs_no_sign_in_but_its_token() {
    on_both(async |world| {
        let mut client = world.client.clone();
        let mut forged = receive_nib("I-1");
        forged.token = "0".repeat(40);
        let refused = client.receive_oss_call(Request::new(forged)).await.unwrap().into_inner();
        assert_eq!(refused.http_status, 401);
        assert!(licences(world).await.is_empty());
        for _ in 0..2 {
            let taken = client.receive_oss_call(Request::new(receive_nib("I-1"))).await.unwrap().into_inner();
            assert_eq!(taken.http_status, 200, "{}", taken.body);
            assert!(taken.body.starts_with(r#"{"responreceiveNIB":{"status":"1""#), "{}", taken.body);
        }
        let found = licences(world).await;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].id_izin.as_str(), found[0].area.as_str()), ("I-1", "17.07"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_29_a_status_is_told_by_an_official_and_waits_for_oss() {
    on_both(async |world| {
        let mut client = world.client.clone();
        client.receive_oss_call(Request::new(receive_nib("I-1"))).await.unwrap();
        let licence = licences(world).await.remove(0).id;
        let request = proto::UpdateLicenceStatusRequest {
            request_id: "satu".to_owned(),
            licence: licence.clone(),
            status_code: "40".to_owned(),
            official_name: "Petugas Contoh".to_owned(),
            ..Default::default()
        };
        let integrator = world.as_caller("acc_dpmptsp", &["documents.integrate"], request.clone());
        assert_eq!(
            client.update_licence_status(integrator).await.unwrap_err().code(),
            Code::PermissionDenied
        );
        let official = world.as_caller("acc_official", &["documents.work", "documents.act.agency"], request);
        client.update_licence_status(official).await.unwrap();
        let request = proto::GetLicenceRequest { licence };
        let request = world.as_caller("acc_dpmptsp", &["documents.integrate"], request);
        let told = client.get_licence(request).await.unwrap().into_inner().licence.unwrap();
        assert_eq!((told.status_code.as_str(), told.status_name.as_str()), ("40", "Inspeksi"));
        assert_eq!(told.messages.len(), 1);
        assert_eq!(told.messages[0].state(), proto::LicenceMessageState::Pending);
    })
    .await;
}
