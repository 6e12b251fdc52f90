//! How the scalar types of the model are read from a parameter and written to an element.

use std::fmt::Display;

use time::format_description::well_known::Iso8601;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::Secret;
use crate::decode::{DecodeError, excerpt};
use crate::params::{FromParams, Scope};
use crate::xml::{WriteXml, XmlWriter};

impl FromParams for String {
    fn from_params(at: &Scope<'_>) -> Result<Option<Self>, DecodeError> {
        Ok(at.value().map(ToOwned::to_owned))
    }
}

impl FromParams for Secret {
    fn from_params(at: &Scope<'_>) -> Result<Option<Self>, DecodeError> {
        Ok(at.value().map(Secret::from))
    }
}

impl FromParams for bool {
    fn from_params(at: &Scope<'_>) -> Result<Option<Self>, DecodeError> {
        parse(at, "true or false", |text| text.to_ascii_lowercase().parse().ok())
    }
}

macro_rules! read_integers {
    ($($integer:ty),*) => {
        $(impl FromParams for $integer {
            fn from_params(at: &Scope<'_>) -> Result<Option<Self>, DecodeError> {
                parse(at, "an integer", |text| text.parse().ok())
            }
        })*
    };
}
read_integers!(i32, i64);

impl FromParams for OffsetDateTime {
    fn from_params(at: &Scope<'_>) -> Result<Option<Self>, DecodeError> {
        parse(at, "an ISO 8601 date and time", |text| {
            let local = || PrimitiveDateTime::parse(text, &Iso8601::DEFAULT);
            let moment = Self::parse(text, &Iso8601::DEFAULT);
            moment.or_else(|_| local().map(PrimitiveDateTime::assume_utc)).ok()
        })
    }
}

fn parse<T>(
    at: &Scope<'_>,
    expected: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, DecodeError> {
    let Some(text) = at.value() else {
        return Ok(None);
    };
    read(text).map(Some).ok_or_else(|| DecodeError::InvalidValue {
        name: at.path().to_owned(),
        value: excerpt(text),
        expected,
    })
}

impl WriteXml for String {
    fn write_xml(&self, xml: &mut XmlWriter) {
        xml.text(self);
    }
}

impl WriteXml for Secret {
    fn write_xml(&self, xml: &mut XmlWriter) {
        xml.text(self.expose());
    }
}

impl WriteXml for OffsetDateTime {
    fn write_xml(&self, xml: &mut XmlWriter) {
        xml.text(&render_timestamp(*self, false));
    }
}

macro_rules! write_displayed {
    ($($scalar:ty),*) => {
        $(impl WriteXml for $scalar {
            fn write_xml(&self, xml: &mut XmlWriter) {
                xml.displayed(self);
            }
        })*
    };
}
write_displayed!(bool, i32, i64, f64);

/// ISO 8601 in UTC, with whole seconds or milliseconds; what is finer is cut off.
pub(crate) fn render_timestamp(moment: OffsetDateTime, milliseconds: bool) -> String {
    let utc = moment.to_offset(time::UtcOffset::UTC);
    let (hour, minute, second) = utc.to_hms();
    let date = utc.date();
    let fraction: &dyn Display =
        if milliseconds { &format!(".{:03}", utc.millisecond()) } else { &"" };
    format!("{date}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}
