//! The contracts of the suite, generated from the `.proto` files beside this crate's manifest.
//!
//! Nothing generated is checked in. [`DESCRIPTORS`] is the encoded descriptor set with comments and custom options:
//! REST bindings, authorization, audit and documentation are derived from it.
#![expect(
    missing_docs,
    clippy::all,
    clippy::allow_attributes,
    unused_qualifications,
    reason = "generated from documented .proto files"
)]

/// The encoded `google.protobuf.FileDescriptorSet` of every contract, with comments and custom options.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));

pub mod common {
    pub mod v1 {
        tonic::include_proto!("mpp.common.v1");
    }
}

pub mod identity {
    pub mod v1 {
        tonic::include_proto!("mpp.identity.v1");
    }
}

pub mod queue {
    pub mod v1 {
        tonic::include_proto!("mpp.queue.v1");
    }
}

pub mod documents {
    pub mod v1 {
        tonic::include_proto!("mpp.documents.v1");
    }
}

pub mod complaints {
    pub mod v1 {
        tonic::include_proto!("mpp.complaints.v1");
    }
}

pub mod notifications {
    pub mod v1 {
        tonic::include_proto!("mpp.notifications.v1");
    }
}
