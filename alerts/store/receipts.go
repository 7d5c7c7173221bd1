package store

import (
	"context"

	"github.com/uptrace/bun"
)

type receiptRow struct {
	bun.BaseModel `bun:"table:receipts,alias:r"`

	CodeHash   string `bun:"code_hash,pk"`
	IncidentID string `bun:"incident_id"`
}

// IncidentOfReceipt returns the id of the incident that a receipt is for.
func (q queries) IncidentOfReceipt(ctx context.Context, codeHash string) (string, error) {
	return single(ctx, q, "receipt", "code_hash", codeHash, func(r receiptRow) (string, error) { return r.IncidentID, nil })
}

// AddReceipt keeps the hash of a receipt's code.
func (t *tx) AddReceipt(codeHash, incidentID string) error {
	return ofCase(t.insert(&receiptRow{CodeHash: codeHash, IncidentID: incidentID}), "receipt")
}
