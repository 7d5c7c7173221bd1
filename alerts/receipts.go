package alerts

import "context"

// ReceiptReader is the part of Reader about receipts.
type ReceiptReader interface {
	// IncidentOfReceipt returns the id of the incident whose receipt has a code
	// with this SHA-256, hex, or a NotFound error.
	IncidentOfReceipt(ctx context.Context, codeHash string) (incidentID string, err error)
}

// ReceiptTx is the part of Tx about receipts. The code itself is not kept.
type ReceiptTx interface {
	AddReceipt(codeHash, incidentID string) error
}
