//! Interakt's clicks on the buttons of templates. They name the message of the business, and have no id of their own.
//!
//! What was clicked stands in one of six places: `event` beside `data`, `event` in `data`, `event` beside a message without
//! envelope, `message.meta_data`, `message` itself, and `message.meta_data.cta_click_info.<link>`.

use super::{Notice, other};
use crate::bounds::{MAX_ID_BYTES, cut};
use crate::flattening::{Draft, Flattening, Scope, fill};
use crate::found::{Found, id, text, url};
use crate::json::Json;
use crate::options::hash;
use crate::record::Click;
use crate::time::instant;

pub(super) fn clicked<'j>(flattening: &mut Flattening<'_>, notice: &Notice<'j>) {
    let message = notice.message;
    let meta_data = message.get("meta_data");
    let places = [notice.body.get("event"), notice.data.get("event"), meta_data, message];
    let told = |member: &str| places.iter().map(|place| place.get(member)).find(|node| is_told(node));
    let links = meta_data.get("cta_click_info").members();
    let mut infos: Vec<&'j Json<'j>> = links.iter().map(|(_, info)| info).filter(|info| info.is_object()).collect();
    if infos.is_empty() || told("click_timestamp").is_some() || told("button_link").is_some() {
        infos = vec![&Json::Null];
    }
    let nothing_told = ["click_type", "button_text", "button_link", "button_payload", "click_timestamp"];
    if nothing_told.iter().all(|member| told(member).is_none()) && infos.iter().all(|info| info.is_null()) {
        return other(flattening, notice, "unplaced_click", notice.body);
    }
    let Some(message_id) = id(message.get("id")) else {
        return other(flattening, notice, "unplaced_click", notice.body);
    };
    let template = flattening.nested(message.get("raw_template"));
    flattening.learn_nested_paths(message.get("raw_template"), &template);
    let person = notice.person(flattening);
    for info in infos {
        let node = |member: &str| told(member).unwrap_or(&Json::Null);
        let link = url(node("button_link")).or_else(|| url(info.get("url")));
        let time = instant(node("click_timestamp")).or_else(|| instant(info.get("clicked_at_utc")));
        let time = time.or(notice.time).unwrap_or_else(|| flattening.receipt());
        let payload = node("button_payload");
        let payload = if payload.get("payload").is_object() { payload.get("payload") } else { payload };
        let click_type = node("click_type");
        let kind = match click_type.as_str().map(str::to_ascii_uppercase).as_deref() {
            Some("CTA") => Found::read("link_click".to_owned(), "from", click_type),
            Some("QR") => Found::read("quick_reply".to_owned(), "from", click_type),
            Some(other) => Found::read(cut(&other.to_lowercase(), MAX_ID_BYTES).to_owned(), "from", click_type),
            None if link.is_some() => Found::made("link_click".to_owned(), "as there is a link"),
            None => Found::made("quick_reply".to_owned(), "as there is no link"),
        };

        let mut draft: Draft<Click> = flattening.draft(&time, &Scope::default());
        flattening.note(&mut draft, "kind", &kind);
        draft.columns.kind = kind.value;
        fill!(flattening, draft, {
            message_id: Some(message_id.clone()),
            wa_id: person.wa_id.clone(),
            user_id: person.user_id.clone(),
            button_id: text(payload.first(&["payload", "id", "text"])),
            button_text: text(node("button_text")).or_else(|| text(payload.get("text"))),
            url: link,
            template_name: notice.template_name(&template),
            campaign_id: notice.campaign("campaign_id"),
            campaign_name: notice.campaign("campaign_name"),
            callback_data: notice.callback_data(),
        });
        let source = Found::made(notice.kind.to_owned(), "name of the event");
        fill!(flattening, draft, { source: Some(source), });
        let columns = &draft.columns;
        let button = columns.button_text.as_deref().or(columns.url.as_deref()).unwrap_or_default();
        let time = columns.common.event_ts.to_string();
        let click_id = hash(&[&message_id.value, &columns.kind, button, &time]);
        flattening.note(&mut draft, "click_id", &Found::made((), "hash of message, kind, button or link, and time"));
        draft.columns.click_id = click_id;
        flattening.push(draft);
    }
}

/// Interakt writes "" for what a click has not.
fn is_told(node: &Json<'_>) -> bool {
    match node {
        Json::Null => false,
        Json::String(text) => !text.is_empty(),
        _ => true,
    }
}
