//! The envelopes: what stands around an output or an error.

use crate::errors::ErrorCode;
use crate::generated::operations::{NAMESPACE, Response};
use crate::xml::XmlWriter;

impl Response {
    /// The XML document of the answer, to be sent as `text/xml` with status 200.
    pub fn render(&self, request_id: &str) -> String {
        let action = self.action();
        XmlWriter::document(&format!("{action}Response"), NAMESPACE, |xml| {
            if let Some(output) = self.output() {
                xml.element(&format!("{action}Result"), |xml| output.write_xml(xml));
            }
            xml.element("ResponseMetadata", |xml| {
                xml.text_element("RequestId", request_id);
            });
        })
    }
}

/// The XML document of an error, to be sent as `text/xml` with the status of `error`.
pub fn render_error(error: ErrorCode, message: &str, request_id: &str) -> String {
    let fault = if error.status < 500 { "Sender" } else { "Receiver" };
    XmlWriter::document("ErrorResponse", NAMESPACE, |xml| {
        xml.element("Error", |xml| {
            xml.text_element("Type", fault);
            xml.text_element("Code", error.code);
            xml.text_element("Message", message);
        });
        xml.text_element("RequestId", request_id);
    })
}
