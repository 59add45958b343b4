//! Clicks on template buttons. They contain the id of the business message but no id of their own.
//!
//! The clicked button is described in one of six places. The numbers are those of docs/providers.md:
//!
//! 1. `message.meta_data`
//! 2. `event` beside `message`, in a body without `data`
//! 3. `event` in `data`
//! 4. `event` beside `data`
//! 5. `message` itself
//! 6. `message.meta_data.cta_click_info.<link>`

use super::webhook::{Webhook, account_event};
use crate::digest::hash;
use crate::extracted::{Extracted, Text, id, text, url};
use crate::flattening::{Draft, Flattening, Scope, fill};
use crate::json::{Arena, Json};
use crate::limits::{MAX_ID_BYTES, truncate};
use crate::record::Click;
use crate::time::instant;

/// Adds a click, or one click per link if `cta_click_info` lists several.
pub(super) fn clicked<'j>(flattening: &mut Flattening<'_>, webhook: &Webhook<'j>) {
    let message = webhook.message;
    let meta_data = message.get("meta_data");
    let places = [webhook.body.get("event"), webhook.data.get("event"), meta_data, message];
    let stated = |member: &str| places.iter().map(|place| place.get(member)).find(|node| is_stated(node));
    let links = meta_data.get("cta_click_info").members();
    let mut infos: Vec<&'j Json<'j>> = links.iter().map(|(_, info)| info).filter(|info| info.is_object()).collect();
    if infos.is_empty() || stated("click_timestamp").is_some() || stated("button_link").is_some() {
        infos = vec![&Json::Null];
    }
    let describing = ["click_type", "button_text", "button_link", "button_payload", "click_timestamp"];
    if describing.iter().all(|member| stated(member).is_none()) && infos.iter().all(|info| info.is_null()) {
        return account_event(flattening, webhook, "unplaced_click", webhook.body);
    }
    let Some(message_id) = id(message.get("id")) else {
        return account_event(flattening, webhook, "unplaced_click", webhook.body);
    };
    let arena = Arena::default();
    let template = flattening.nested(&arena, message.get("raw_template"));
    flattening.learn_nested_paths(message.get("raw_template"), &template);
    let person = webhook.person(flattening);
    for info in infos {
        let node = |member: &str| stated(member).unwrap_or(&Json::Null);
        let link = url(node("button_link")).or_else(|| url(info.get("url")));
        let time = instant(node("click_timestamp")).or_else(|| instant(info.get("clicked_at_utc")));
        let time = time.or(webhook.time).unwrap_or_else(|| flattening.receipt());
        let payload = node("button_payload");
        let payload = if payload.get("payload").is_object() { payload.get("payload") } else { payload };
        let click_type = node("click_type");
        let kind = match click_type.as_str().map(str::to_ascii_uppercase).as_deref() {
            Some("CTA") => Text::named("link_click", "from", click_type),
            Some("QR") => Text::named("quick_reply", "from", click_type),
            Some(other) => {
                Extracted::derived(truncate(&other.to_lowercase(), MAX_ID_BYTES).to_owned().into(), "from", click_type)
            }
            None if link.is_some() => Extracted::computed("link_click".into(), "as there is a link"),
            None => Extracted::computed("quick_reply".into(), "as there is no link"),
        };

        let mut draft: Draft<Click<'_>> = flattening.draft(&time, &Scope::default());
        flattening.note(&mut draft, "kind", &kind);
        draft.columns.kind = kind.value;
        fill!(flattening, draft, {
            message_id: Some(message_id.clone()),
            wa_id: person.wa_id.clone(),
            user_id: person.user_id.clone(),
            button_id: text(payload.first(&["payload", "id", "text"])),
            button_text: text(node("button_text")).or_else(|| text(payload.get("text"))),
            url: link,
            template_name: webhook.template_name(&template),
            campaign_id: webhook.campaign("campaign_id"),
            campaign_name: webhook.campaign("campaign_name"),
            callback_data: webhook.callback_data(),
        });
        let source = Extracted::computed(webhook.kind.into(), "name of the event");
        fill!(flattening, draft, { source: Some(source), });
        let columns = &draft.columns;
        let button = columns.button_text.as_deref().or(columns.url.as_deref()).unwrap_or_default();
        let time = columns.common.event_ts.to_string();
        let click_id = hash(&[&message_id.value, &columns.kind, button, &time]);
        flattening.note(
            &mut draft,
            "click_id",
            &Extracted::computed((), "hash of message, kind, button or link, and time"),
        );
        draft.columns.click_id = click_id.into();
        flattening.push(draft);
    }
}

/// Whether a member has a value. Interakt writes "" for a missing value.
fn is_stated(node: &Json<'_>) -> bool {
    match node {
        Json::Null => false,
        Json::String(text) => !text.is_empty(),
        _ => true,
    }
}
