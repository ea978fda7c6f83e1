//! Where: region codes of the Ministry of Home Affairs and the neighbourhoods beneath a village.
//!
//! A code is dotted (`17.07.05.2009`, Permendagri 72/2019 and its yearly updates); an area path adds RW and RT:
//! `17.07.05.2009/002/005` is RT 005 of RW 002. Where a village has no RW, `000` stands in its place, as on the KTP.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use thiserror::Error;

/// Why a text is no area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AreaError {
    /// The code is not made of 2, 2, 2 and 4 digits with dots between.
    #[error("expected a region code such as 17.07.05.2009")]
    Code,
    /// RW or RT is not three digits, or stands beneath something that is no village.
    #[error("expected an area such as 17.07.05.2009/002/005")]
    Neighbourhood,
}

/// How large an area is, from large to small.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString, Serialize, Deserialize,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AreaLevel {
    /// Provinsi.
    Province,
    /// Kabupaten or kota.
    Regency,
    /// Kecamatan.
    SubDistrict,
    /// Desa or kelurahan.
    Village,
    /// Rukun warga.
    Rw,
    /// Rukun tetangga.
    Rt,
}

/// The provinces with their codes (Kepmendagri 300.2.2-2138/2025), as letters name them.
const PROVINCES: [(&str, &str); 38] = [
    ("11", "Provinsi Aceh"),
    ("12", "Provinsi Sumatera Utara"),
    ("13", "Provinsi Sumatera Barat"),
    ("14", "Provinsi Riau"),
    ("15", "Provinsi Jambi"),
    ("16", "Provinsi Sumatera Selatan"),
    ("17", "Provinsi Bengkulu"),
    ("18", "Provinsi Lampung"),
    ("19", "Provinsi Kepulauan Bangka Belitung"),
    ("21", "Provinsi Kepulauan Riau"),
    ("31", "Provinsi Daerah Khusus Ibukota Jakarta"),
    ("32", "Provinsi Jawa Barat"),
    ("33", "Provinsi Jawa Tengah"),
    ("34", "Daerah Istimewa Yogyakarta"),
    ("35", "Provinsi Jawa Timur"),
    ("36", "Provinsi Banten"),
    ("51", "Provinsi Bali"),
    ("52", "Provinsi Nusa Tenggara Barat"),
    ("53", "Provinsi Nusa Tenggara Timur"),
    ("61", "Provinsi Kalimantan Barat"),
    ("62", "Provinsi Kalimantan Tengah"),
    ("63", "Provinsi Kalimantan Selatan"),
    ("64", "Provinsi Kalimantan Timur"),
    ("65", "Provinsi Kalimantan Utara"),
    ("71", "Provinsi Sulawesi Utara"),
    ("72", "Provinsi Sulawesi Tengah"),
    ("73", "Provinsi Sulawesi Selatan"),
    ("74", "Provinsi Sulawesi Tenggara"),
    ("75", "Provinsi Gorontalo"),
    ("76", "Provinsi Sulawesi Barat"),
    ("81", "Provinsi Maluku"),
    ("82", "Provinsi Maluku Utara"),
    ("91", "Provinsi Papua"),
    ("92", "Provinsi Papua Barat"),
    ("93", "Provinsi Papua Selatan"),
    ("94", "Provinsi Papua Tengah"),
    ("95", "Provinsi Papua Pegunungan"),
    ("96", "Provinsi Papua Barat Daya"),
];

/// A region code: province, regency, sub-district or village.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RegionCode(String);

impl RegionCode {
    /// The code as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How large the region is.
    #[must_use]
    pub fn level(&self) -> AreaLevel {
        match self.0.len() {
            0..=2 => AreaLevel::Province,
            3..=5 => AreaLevel::Regency,
            6..=8 => AreaLevel::SubDistrict,
            9.. => AreaLevel::Village,
        }
    }

    /// What the province of the region is called, with its kind; none for a code that is newer than this list.
    #[must_use]
    pub fn province(&self) -> Option<&'static str> {
        PROVINCES.iter().find(|(code, _)| self.0.starts_with(code)).map(|(_, name)| *name)
    }

    /// The region that this one is a part of; none for a province.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.rfind('.').map(|dot| Self(self.0[..dot].to_owned()))
    }
}

impl FromStr for RegionCode {
    type Err = AreaError;

    fn from_str(text: &str) -> Result<Self, AreaError> {
        let widths = [2, 2, 2, 4];
        let parts: Vec<&str> = text.split('.').collect();
        let sound = parts.len() <= widths.len()
            && parts.iter().zip(widths).all(|(part, width)| {
                part.len() == width
                    && part.bytes().all(|byte| byte.is_ascii_digit())
                    && part.bytes().any(|byte| byte != b'0')
            });
        if sound { Ok(Self(text.to_owned())) } else { Err(AreaError::Code) }
    }
}

impl fmt::Display for RegionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RegionCode {
    type Error = AreaError;

    fn try_from(text: String) -> Result<Self, AreaError> {
        text.parse()
    }
}

impl From<RegionCode> for String {
    fn from(code: RegionCode) -> Self {
        code.0
    }
}

/// A region, or a neighbourhood within a village.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AreaPath {
    region: RegionCode,
    /// 0 where the village has no RW; then an RT follows.
    rw: Option<u16>,
    rt: Option<u16>,
}

impl AreaPath {
    /// The region.
    #[must_use]
    pub fn region(&self) -> &RegionCode {
        &self.region
    }

    /// The RW, if the path goes that far and the village has any.
    #[must_use]
    pub fn rw(&self) -> Option<u16> {
        self.rw.filter(|rw| *rw > 0)
    }

    /// The RT, if the path goes that far.
    #[must_use]
    pub fn rt(&self) -> Option<u16> {
        self.rt
    }

    /// How large the area is.
    #[must_use]
    pub fn level(&self) -> AreaLevel {
        match (self.rw, self.rt) {
            (_, Some(_)) => AreaLevel::Rt,
            (Some(_), None) => AreaLevel::Rw,
            (None, None) => self.region.level(),
        }
    }

    /// The area that this one is a part of; none for a province. An RT where there is no RW lies in its village.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        match (self.rw, self.rt) {
            (Some(0), Some(_)) | (Some(_), None) => {
                Some(Self { region: self.region.clone(), rw: None, rt: None })
            }
            (rw, Some(_)) => Some(Self { region: self.region.clone(), rw, rt: None }),
            (None, None) => self.region.parent().map(Self::from),
        }
    }

    /// The area itself and all that it is a part of, from small to large.
    #[must_use]
    pub fn ancestors(&self) -> Vec<Self> {
        std::iter::successors(Some(self.clone()), Self::parent).collect()
    }

    /// The area of `level` that this one is or lies in; none when it is larger than that, or has none of that level.
    #[must_use]
    pub fn at(&self, level: AreaLevel) -> Option<Self> {
        self.ancestors().into_iter().find(|area| area.level() == level)
    }
}

impl From<RegionCode> for AreaPath {
    fn from(region: RegionCode) -> Self {
        Self { region, rw: None, rt: None }
    }
}

impl FromStr for AreaPath {
    type Err = AreaError;

    fn from_str(text: &str) -> Result<Self, AreaError> {
        let mut parts = text.split('/');
        let region: RegionCode = parts.next().unwrap_or_default().parse()?;
        let mut number = || match parts.next() {
            None => Ok(None),
            Some(part) if part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit()) => {
                part.parse::<u16>().map(Some).map_err(|_| AreaError::Neighbourhood)
            }
            Some(_) => Err(AreaError::Neighbourhood),
        };
        let (rw, rt) = (number()?, number()?);
        let beneath_village = rw.is_none() || region.level() == AreaLevel::Village;
        let named = rt != Some(0) && (rw != Some(0) || rt.is_some());
        if parts.next().is_some() || !beneath_village || !named {
            return Err(AreaError::Neighbourhood);
        }
        Ok(Self { region, rw, rt })
    }
}

impl fmt::Display for AreaPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.region)?;
        if let Some(rw) = self.rw {
            write!(f, "/{rw:03}")?;
        }
        if let Some(rt) = self.rt {
            write!(f, "/{rt:03}")?;
        }
        Ok(())
    }
}

impl TryFrom<String> for AreaPath {
    type Error = AreaError;

    fn try_from(text: String) -> Result<Self, AreaError> {
        text.parse()
    }
}

impl From<AreaPath> for String {
    fn from(area: AreaPath) -> Self {
        area.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn area(text: &str) -> AreaPath {
        text.parse().unwrap()
    }

    #[test]
    fn codes_of_each_level_are_read() {
        for (text, level, parent) in [
            ("17", AreaLevel::Province, None),
            ("17.07", AreaLevel::Regency, Some("17")),
            ("17.07.05", AreaLevel::SubDistrict, Some("17.07")),
            ("17.07.05.2009", AreaLevel::Village, Some("17.07.05")),
        ] {
            let code: RegionCode = text.parse().unwrap();
            assert_eq!(code.level(), level);
            assert_eq!(code.parent().map(|it| it.to_string()).as_deref(), parent);
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in [
            "",
            "1",
            "17.",
            "17.7",
            "17.07.5",
            "17.07.05.209",
            "17.07.05.2009.1",
            "1707",
            "17.0a",
            "17.00",
            "٣٤",
        ] {
            assert_eq!(text.parse::<RegionCode>(), Err(AreaError::Code), "{text}");
        }
        for text in [
            "17.07.05.2009/2",
            "17.07.05.2009/002/",
            "17.07.05.2009/002/000",
            "17.07.05.2009/000",
            "17.07.05.2009/002/005/001",
            "17.07.05/002",
            "17.07.05.2009/00a",
        ] {
            assert_eq!(text.parse::<AreaPath>(), Err(AreaError::Neighbourhood), "{text}");
        }
    }

    #[test]
    fn an_rt_lies_in_its_rw_and_village() {
        let rt = area("17.07.05.2009/002/005");
        assert_eq!(
            rt.ancestors().iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["17.07.05.2009/002/005", "17.07.05.2009/002", "17.07.05.2009", "17.07.05", "17.07", "17"]
        );
        assert_eq!((rt.rw(), rt.rt(), rt.level()), (Some(2), Some(5), AreaLevel::Rt));
        // No RW in the village: the RT answers to the village itself.
        let alone = area("17.07.05.2009/000/005");
        assert_eq!(alone.parent(), Some(area("17.07.05.2009")));
        assert_eq!((alone.rw(), alone.at(AreaLevel::Rw)), (None, None));
    }

    prop_compose! {
        fn any_area()(p in 1_u8..99, r in 1_u8..99, s in 1_u8..99, v in 1001_u16..2999, rw in 0_u16..40, rt in 1_u16..40,
                      depth in 0_usize..6) -> AreaPath {
            let village = format!("{p:02}.{r:02}.{s:02}.{v:04}");
            let text = match depth {
                0 => format!("{p:02}"),
                1 => village[..5].to_owned(),
                2 => village[..8].to_owned(),
                3 => village,
                4 => format!("{village}/{:03}", rw.max(1)),
                _ => format!("{village}/{rw:03}/{rt:03}"),
            };
            text.parse().unwrap()
        }
    }

    proptest! {
        #[test]
        fn an_area_is_read_as_it_is_written(area in any_area()) {
            prop_assert_eq!(area.to_string().parse::<AreaPath>(), Ok(area.clone()));
            let json = serde_json::to_string(&area).unwrap();
            prop_assert_eq!(serde_json::from_str::<AreaPath>(&json).unwrap(), area);
        }

        #[test]
        fn what_an_area_is_a_part_of_grows_to_its_province(area in any_area()) {
            let ancestors = area.ancestors();
            prop_assert_eq!(&ancestors[0], &area);
            for (part, whole) in ancestors.iter().zip(&ancestors[1..]) {
                prop_assert!(whole.level() < part.level());
            }
            prop_assert_eq!(ancestors.last().map(AreaPath::level), Some(AreaLevel::Province));
        }

        #[test]
        fn no_text_makes_it_fail(text in "\\PC*") {
            let _ = text.parse::<AreaPath>();
        }
    }
}
