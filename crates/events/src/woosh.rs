//! To follow.
use crate::flattening::Flattening;
use crate::json::Json;
pub(crate) fn flatten<'j>(flattening: &mut Flattening<'_>, body: &'j Json<'j>) -> bool {
    crate::meta::flatten(flattening, body)
}
