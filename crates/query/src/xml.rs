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
#[derive(Default)]
pub(crate) struct XmlWriter {
    out: String,
}

impl XmlWriter {
    pub(crate) fn finish(self) -> String {
        self.out
    }

    /// An element with content; `name` may be followed by attributes.
    pub(crate) fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.tag("<", name, ">");
        content(self);
        let name = name.split_once(' ').map_or(name, |(name, _)| name);
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
        let mut written = 0;
        for (at, character) in text.char_indices() {
            let replacement = match character {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                // A reader turns a bare carriage return into a line feed (XML 1.0 §2.11).
                '\r' => "&#xD;",
                '\t' | '\n' | ' '..='\u{FFFD}' | '\u{10000}'.. => continue,
                _ => "\u{FFFD}",
            };
            self.out.push_str(&text[written..at]);
            self.out.push_str(replacement);
            written = at + character.len_utf8();
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
