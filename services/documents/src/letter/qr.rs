//! The code that phones read: the address where a document is checked.

use qrcode::{EcLevel, QrCode, render::svg, types::QrError};

/// The drawing of `url` as SVG, error correction level M: a fold or a stamp over a seventh of it does no harm.
///
/// Without quiet zone: the letter leaves the space around it.
///
/// # Errors
/// When `url` is too long for a QR code.
pub fn svg(url: &str) -> Result<String, QrError> {
    let code = QrCode::with_error_correction_level(url, EcLevel::M)?;
    Ok(code.render::<svg::Color<'_>>().quiet_zone(false).module_dimensions(4, 4).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verification_address_fits_a_small_code() {
        let url = "https://layanan.contohkab.go.id/s/7Q3K-9M2X-A1B2-C3D4";
        let drawing = svg(url).unwrap();
        assert!(drawing.starts_with("<?xml"), "{drawing}");
        // Version 4 has 33 modules a side: 0.85 mm each when printed 28 mm wide.
        assert_eq!(QrCode::with_error_correction_level(url, EcLevel::M).unwrap().width(), 33);
        assert!(svg(&"x".repeat(5000)).is_err());
    }
}
