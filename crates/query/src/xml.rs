//! A writer of XML for documents of elements and text, straight into a `String`.
//!
//! Element names are the model's and need no escaping; texts are anyone's. XML 1.0 has no way at
//! all to carry most control characters (§2.2), so these become U+FFFD: a log file with a stray
//! byte must not break its reader. A general XML library is absent because its writer leaves just
//! that to the caller, and makes writing to memory fallible.

use std::fmt::{Display, Write};

use time::OffsetDateTime;

use crate::values::render_timestamp;

/// What can be the content of an element.
pub(crate) trait WriteXml {
    fn write_xml(&self, xml: &mut XmlWriter);
}

/// The document so far.
pub(crate) struct XmlWriter {
    out: String,
}

impl XmlWriter {
    /// The outermost element, which puts all names into a namespace.
    pub(crate) fn document(name: &str, namespace: &str, content: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self { out: format!("<{name} xmlns=\"{namespace}\">") };
        content(&mut xml);
        xml.tag("</", name, ">");
        xml.out
    }

    pub(crate) fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.tag("<", name, ">");
        content(self);
        self.tag("</", name, ">");
    }

    pub(crate) fn text_element(&mut self, name: &str, text: &str) {
        self.element(name, |xml| xml.text(text));
    }

    /// An element, or nothing.
    pub(crate) fn optional<T: WriteXml>(&mut self, name: &str, value: Option<&T>) {
        if let Some(value) = value {
            self.element(name, |xml| value.write_xml(xml));
        }
    }

    /// A timestamp with milliseconds, or nothing.
    pub(crate) fn milliseconds(&mut self, name: &str, moment: Option<OffsetDateTime>) {
        if let Some(moment) = moment {
            self.text_element(name, &render_timestamp(moment, true));
        }
    }

    /// A list; it is present even when it is empty.
    pub(crate) fn list_if_any<T: WriteXml>(&mut self, name: &str, item: &str, items: &[T]) {
        if !items.is_empty() {
            self.list(name, item, items);
        }
    }

    pub(crate) fn list<T: WriteXml>(&mut self, name: &str, item: &str, items: &[T]) {
        if items.is_empty() {
            return self.tag("<", name, "/>");
        }
        self.element(name, |xml| {
            for value in items {
                xml.element(item, |xml| value.write_xml(xml));
            }
        });
    }

    pub(crate) fn text(&mut self, text: &str) {
        // Over bytes, not characters: nearly all of them pass, and a log file has many.
        let mut written = 0;
        for (at, byte) in text.bytes().enumerate() {
            let (replacement, length) = match byte {
                b'&' => ("&amp;", 1),
                b'<' => ("&lt;", 1),
                b'>' => ("&gt;", 1),
                // A reader turns a bare carriage return into a line feed (XML 1.0 §2.11).
                b'\r' => ("&#xD;", 1),
                b'\t' | b'\n' => continue,
                ..b' ' => ("\u{FFFD}", 1),
                0xEF if text[at..].starts_with(['\u{FFFE}', '\u{FFFF}']) => ("\u{FFFD}", 3),
                _ => continue,
            };
            self.out.push_str(&text[written..at]);
            self.out.push_str(replacement);
            written = at + length;
        }
        self.out.push_str(&text[written..]);
    }

    /// A value whose `Display` needs no escaping.
    pub(crate) fn displayed(&mut self, value: impl Display) {
        // Writing to a String cannot fail.
        let _ = write!(self.out, "{value}");
    }

    fn tag(&mut self, open: &str, name: &str, close: &str) {
        self.out.push_str(open);
        self.out.push_str(name);
        self.out.push_str(close);
    }
}
