//! Pages of a list: `MaxRecords` and an opaque `Marker`.

use crate::error::ApiError;

/// The service's bounds of `MaxRecords`, of which the upper one is its default.
const RECORDS: std::ops::RangeInclusive<i32> = 20..=100;
/// The bound where the service allows less than 20.
const FEW_RECORDS: std::ops::RangeInclusive<i32> = 1..=100;

/// Which part of a list is asked for.
#[derive(Debug)]
pub(crate) struct Page {
    size: usize,
    after: Option<String>,
}

impl Page {
    /// From the fields of a request.
    pub(crate) fn new(max_records: Option<i32>, marker: Option<&str>) -> Result<Self, ApiError> {
        let size = max_records.unwrap_or(*RECORDS.end());
        if !RECORDS.contains(&size) {
            return Err(ApiError::value(format!(
                "Invalid value {size} for MaxRecords. Must be between {} and {}",
                RECORDS.start(),
                RECORDS.end(),
            )));
        }
        Self::of_size(size, marker)
    }

    /// As [`Page::new`], for the operations whose pages may be smaller.
    pub(crate) fn small(max_records: Option<i32>, marker: Option<&str>) -> Result<Self, ApiError> {
        let size = max_records.unwrap_or(*FEW_RECORDS.end());
        let bounded = size.clamp(*FEW_RECORDS.start(), *FEW_RECORDS.end());
        Self::of_size(bounded, marker)
    }

    fn of_size(size: i32, marker: Option<&str>) -> Result<Self, ApiError> {
        let after = marker.filter(|marker| !marker.is_empty()).map(decode_marker).transpose()?;
        Ok(Self { size: usize::try_from(size).unwrap_or_default(), after })
    }

    /// Fills the page from a list that is read piece by piece, no more of it than is shown. `read`
    /// answers what comes after a key, at most so many; only what is to be `kept` is shown.
    pub(crate) fn fill<T>(
        &self,
        read: impl Fn(&str, usize) -> Result<Vec<T>, ApiError>,
        key: impl Fn(&T) -> String,
        kept: impl Fn(&T) -> bool,
    ) -> Result<(Vec<T>, Option<String>), ApiError> {
        let mut after = self.after.clone().unwrap_or_default();
        // One more tells that there are more.
        let wanted = self.size + 1;
        let mut page = Vec::new();
        while page.len() < wanted {
            let piece = read(&after, wanted)?;
            let is_last = piece.len() < wanted;
            after = piece.last().map_or(after, &key);
            page.extend(piece.into_iter().filter(&kept));
            if is_last {
                break;
            }
        }
        let more = page.len() > self.size;
        page.truncate(self.size);
        let marker = page.last().filter(|_| more).map(|item| hex::encode(key(item)));
        Ok((page, marker))
    }

    /// Cuts the page out of a list that is sorted by `key`; answers it and the next marker.
    pub(crate) fn cut<T>(
        &self,
        all: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> String,
    ) -> (Vec<T>, Option<String>) {
        let mut rest = all
            .into_iter()
            .skip_while(|item| self.after.as_ref().is_some_and(|it| key(item) <= *it));
        let page: Vec<T> = rest.by_ref().take(self.size).collect();
        let more = rest.next().is_some();
        let marker = page.last().filter(|_| more).map(|item| hex::encode(key(item)));
        (page, marker)
    }
}

fn decode_marker(marker: &str) -> Result<String, ApiError> {
    let text = hex::decode(marker).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| ApiError::value(format!("Invalid marker: {marker}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_join_to_the_whole() {
        let all: Vec<String> = (0..45).map(|n| format!("{n:02}")).collect();
        let mut seen = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let page = Page::new(Some(20), marker.as_deref()).unwrap();
            let (items, next) = page.cut(all.clone(), Clone::clone);
            seen.extend(items);
            marker = next;
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn no_more_is_read_than_is_shown() {
        let all: Vec<String> = (0..500).map(|n| format!("{n:03}")).collect();
        let is_kept = |item: &String| !item.ends_with('7');
        let expected: Vec<_> = all.iter().filter(|it| is_kept(it)).cloned().collect();
        let (mut seen, mut marker) = (Vec::new(), None::<String>);
        loop {
            let count = std::cell::Cell::new(0);
            let page = Page::new(Some(20), marker.as_deref()).unwrap();
            let read = |after: &str, limit| {
                let rest = all.iter().filter(|it| it.as_str() > after);
                let piece: Vec<_> = rest.take(limit).cloned().collect();
                count.set(count.get() + piece.len());
                Ok(piece)
            };
            let (items, next) = page.fill(read, Clone::clone, is_kept).unwrap();
            assert!(count.get() <= 42, "{} for a page of 20", count.get());
            seen.extend(items);
            marker = next;
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Page::new(Some(19), None).is_err());
        assert!(Page::new(None, Some("zz")).is_err());
        assert!(Page::new(None, Some("é")).is_err());
    }
}
