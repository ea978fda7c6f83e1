//! Parameters of a call. An empty one is one that was not given.

use chrono::{DateTime, NaiveDate, Utc};

/// The parameters, in their order.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Those of an address.
    pub(crate) fn of_query(query: Option<&str>) -> Self {
        Self::of_form(query.unwrap_or_default().as_bytes())
    }

    /// Those of a form.
    pub(crate) fn of_form(form: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(form);
        let pairs = pairs.map(|(name, value)| (name.into_owned(), value.trim().to_owned()));
        Self(pairs.filter(|(_, value)| !value.is_empty()).collect())
    }

    /// A parameter; the last one if it came more than once.
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(told, _)| told == name).map(|(_, value)| value.as_str())
    }

    /// The entries of a comma list.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let value = self.one(name).unwrap_or_default();
        value.split(',').map(str::trim).filter(|it| !it.is_empty()).collect()
    }

    /// What was given as `attribute[CODE]` or `attribute[CODE][]`, by code, each with its values.
    pub(crate) fn attributes(&self) -> Vec<(String, Vec<String>)> {
        let mut found: Vec<(String, Vec<String>)> = Vec::new();
        for (name, value) in &self.0 {
            let Some(code) = name
                .strip_prefix("attribute[")
                .and_then(|rest| rest.strip_suffix("][]").or_else(|| rest.strip_suffix(']')))
            else {
                continue;
            };
            match found.iter_mut().find(|(known, _)| known == code) {
                Some((_, values)) => values.push(value.clone()),
                None => found.push((code.to_owned(), vec![value.clone()])),
            }
        }
        found
    }

    /// A moment with its zone (W3C date and time). A date alone is its beginning in UTC, as other servers take it.
    ///
    /// # Errors
    /// A description that names the parameter.
    pub(crate) fn moment(&self, name: &str) -> Result<Option<DateTime<Utc>>, String> {
        let Some(told) = self.one(name) else { return Ok(None) };
        // In an address, `+` is a space when it was not escaped; clients forget that.
        let mended = told.replace(' ', "+");
        let exact = DateTime::parse_from_rfc3339(&mended).map(|it| it.to_utc()).ok();
        let date = || {
            let date = NaiveDate::parse_from_str(told, "%Y-%m-%d").ok()?;
            Some(date.and_hms_opt(0, 0, 0)?.and_utc())
        };
        match exact.or_else(date) {
            Some(moment) => Ok(Some(moment)),
            None => Err(format!("{name} is no date and time with a zone, such as 2026-09-14T08:30:00+08:00")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o_04_an_empty_parameter_is_one_that_was_not_given() {
        let params = Params::of_query(Some("a=&b=1&b=2&c=%20&list=x,%20y,,z"));
        assert_eq!((params.one("a"), params.one("b"), params.one("c")), (None, Some("2"), None));
        assert_eq!(params.list("list"), ["x", "y", "z"]);
        assert!(params.list("nothing").is_empty());
    }

    #[test]
    fn o_15_attributes_have_one_or_several_values() {
        let params = Params::of_form(
            b"attribute%5BUKURAN%5D=kecil&attribute[HARI][]=senin&attribute[HARI][]=rabu&attribute=x",
        );
        let expected = vec![
            ("UKURAN".to_owned(), vec!["kecil".to_owned()]),
            ("HARI".to_owned(), vec!["senin".to_owned(), "rabu".to_owned()]),
        ];
        assert_eq!(params.attributes(), expected);
    }

    #[test]
    fn o_05_moments_have_a_zone() {
        let at = |text: &str| Params::of_query(Some(&format!("d={text}"))).moment("d");
        let expected = Ok(DateTime::from_timestamp(1_757_809_800, 0));
        for text in ["2025-09-14T08:30:00%2B08:00", "2025-09-14T08:30:00+08:00", "2025-09-14T00:30:00Z"] {
            assert_eq!(at(text), expected, "{text}");
        }
        assert!(at("2025-09-14").unwrap().is_some());
        assert_eq!(at(""), Ok(None));
        for text in ["kemarin", "2025-09-14T08:30:00", "14/09/2025"] {
            assert!(at(text).unwrap_err().starts_with("d is no date"), "{text}");
        }
    }
}
