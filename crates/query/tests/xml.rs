//! Whatever text goes into a document, the document is well-formed and the text comes out again,
//! judged by an XML reader that shares no code with the writer.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use pgkeep_query::shapes::{Tag, TagListMessage};
use pgkeep_query::{Response, errors, render_error};
use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::events::Event;

/// All text in the document; panics where it is not well-formed.
fn text_of(xml: &str) -> String {
    let mut reader = Reader::from_str(xml);
    let (mut text, mut depth) = (String::new(), 0);
    loop {
        match reader.read_event().unwrap() {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            Event::Text(part) => text.push_str(&part),
            Event::GeneralRef(name) => match name.resolve_char_ref().unwrap() {
                Some(character) => text.push(character),
                None => text.push_str(match &*name {
                    "amp" => "&",
                    "lt" => "<",
                    "gt" => ">",
                    other => panic!("an unknown entity: {other}"),
                }),
            },
            Event::Eof => break,
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert_eq!(depth, 0);
    text
}

/// XML 1.0 §2.2.
fn is_xml_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

fn check(text: &str) {
    let carried: String =
        text.chars().map(|c| if is_xml_character(c) { c } else { '\u{FFFD}' }).collect();
    let xml = render_error(errors::INVALID_PARAMETER_VALUE, text, "id");
    assert!(xml.chars().all(is_xml_character));
    assert_eq!(text_of(&xml), format!("SenderInvalidParameterValue{carried}id"));
    let tag_list = vec![Tag { key: Some("k".into()), value: Some(text.to_owned()) }];
    let response = Response::ListTagsForResource(TagListMessage { tag_list });
    assert_eq!(text_of(&response.render("id")), format!("k{carried}id"));
}

#[test]
fn every_control_character_and_noncharacter_is_dealt_with() {
    check(&('\0'..='\u{A0}').chain('\u{FFF0}'..='\u{10010}').collect::<String>());
    check("]]><!--&amp;&#0;<a b='c'>\r\n");
}

proptest! {
    #[test]
    fn any_text_survives(text in any::<String>()) {
        check(&text);
    }
}
