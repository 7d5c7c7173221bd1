package api

import (
	"context"
	"net/http"

	"sharpeyes/alerts/desk"
)

// Webhook is a webhook with its secret, where that is new.
type Webhook struct {
	desk.WebhookView
	Secret string `json:"secret,omitempty" doc:"Key of the signatures; present when it is new, and never again"`
}

// hookDoc says what a receiver has to know.
const hookDoc = " Each event is posted as JSON: {id, webhook_id, missed, event: {seq, at, kind, area_id, area_path, id, data}}; event is as on the " +
	"live socket, missed says that events before this one are gone. Events come in the order of seq, each at least once: `Sharpeyes-Delivery` " +
	"(and id) is the same at each try of one event. `Sharpeyes-Signature: t=SECONDS,v1=HEX` is the time of sending and the HMAC-SHA256, with the " +
	"secret as it was shown, over \"SECONDS.BODY\"; refuse what does not fit, and what is older than 5 minutes. Answer 2xx within 10 seconds. " +
	"Anything else, redirects too, is a failure: it is tried again after 5 seconds, then twice as long each time up to an hour, a Retry-After " +
	"is heeded, and the events after it wait. 410, 50 failures in a row or 3 days of them make it dead until it is retried by hand. " +
	"Only https and public addresses are called, and those of the setting webhooks.networks; that is judged when they are dialled."

type webhookOut struct{ Body Webhook }

func (a *API) registerWebhooks() {
	const tag, path = "Machines", "/api/v1/webhooks"
	handle(a, a.operation("GET", path, "webhooks", tag, "Webhooks of the caller's areas, with their state"),
		func(ctx context.Context, _ *none) (*listOut[desk.WebhookView], error) {
			items, err := a.desk.Webhooks(ctx, scopeOf(ctx))
			return listOf(items, ""), err
		})
	create := a.operation("POST", path, "create-webhook", tag, "Have another system told of events; the answer shows the secret once")
	create.Description += hookDoc
	create.DefaultStatus = http.StatusCreated
	handle(a, create, func(ctx context.Context, in *struct{ Body desk.WebhookInput }) (*webhookOut, error) {
		v, secret, err := a.desk.CreateWebhook(ctx, scopeOf(ctx), in.Body)
		return &webhookOut{Webhook{v, secret}}, err
	})
	handle(a, a.operation("PATCH", path+"/{id}", "change-webhook", tag, "Change, pause or continue a webhook, or give it a new secret"),
		func(ctx context.Context, in *struct {
			ByID
			Body desk.WebhookPatch
		}) (*webhookOut, error) {
			v, secret, err := a.desk.ChangeWebhook(ctx, scopeOf(ctx), in.ID, in.Body)
			return &webhookOut{Webhook{v, secret}}, err
		})
	remove := a.operation("DELETE", path+"/{id}", "remove-webhook", tag, "Remove a webhook and its deliveries")
	remove.DefaultStatus = http.StatusNoContent
	handle(a, remove, func(ctx context.Context, in *ByID) (*none, error) {
		return nil, a.desk.RemoveWebhook(ctx, scopeOf(ctx), in.ID)
	})
	handle(a, a.operation("GET", path+"/{id}/deliveries", "deliveries", tag, "The newest 100 tries of a webhook, newest first"),
		func(ctx context.Context, in *ByID) (*listOut[desk.DeliveryView], error) {
			items, err := a.desk.Deliveries(ctx, scopeOf(ctx), in.ID)
			return listOf(items, ""), err
		})
	retry := a.operation("POST", path+"/{id}/retry", "retry-webhook", tag, "Call a webhook at once that failed or is dead, from the event on that it has not got")
	retry.DefaultStatus = http.StatusOK
	handle(a, retry, func(ctx context.Context, in *ByID) (*struct{ Body desk.WebhookView }, error) {
		v, err := a.desk.RetryWebhook(ctx, scopeOf(ctx), in.ID)
		return &struct{ Body desk.WebhookView }{v}, err
	})
}
