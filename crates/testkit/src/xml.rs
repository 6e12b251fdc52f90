//! Picking values out of an answer of the API, without its shapes: those are what is tested.

use std::borrow::Cow;
use std::fmt;

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::Event;

/// A piece of XML.
#[derive(Clone, PartialEq, Eq)]
pub struct Xml(String);

impl Xml {
    /// A whole answer, or a part of one.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The content of each element of that name, in order; not those inside one another.
    pub fn elements(&self, name: &str) -> Vec<Self> {
        let mut reader = Reader::from_str(&self.0);
        let mut found = Vec::new();
        loop {
            match reader.read_event().expect("the answer is XML") {
                Event::Start(start) if start.name().as_ref() == name => {
                    let content = reader.read_text(start.name()).expect("the element ends");
                    found.push(Self(content.to_string()));
                }
                Event::Empty(empty) if empty.name().as_ref() == name => {
                    found.push(Self(String::new()));
                }
                Event::Eof => return found,
                _ => {}
            }
        }
    }

    /// The text of the first element of that name.
    pub fn text(&self, name: &str) -> Option<String> {
        self.texts(name).into_iter().next()
    }

    /// The text of each element of that name.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let text = |element: &Self| unescape(&element.0).map(Cow::into_owned);
        self.elements(name).iter().map(|it| text(it).expect("known entities")).collect()
    }
}

impl fmt::Display for Xml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Xml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_picked_by_name() {
        let xml = Xml::new(
            "<?xml version=\"1.0\"?><R xmlns=\"x\"><Tag><Key>a&amp;b</Key></Tag>\
             <Tag><Key>c</Key><Tag/></Tag><Marker/></R>",
        );
        assert_eq!(xml.texts("Key"), ["a&b", "c"]);
        assert_eq!(xml.text("Marker").as_deref(), Some(""));
        assert_eq!(xml.text("Absent"), None);
        let tags = xml.elements("Tag");
        assert_eq!((tags.len(), tags[1].text("Key").as_deref()), (2, Some("c")));
    }
}
