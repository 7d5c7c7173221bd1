package desk

import (
	"context"
	"io"

	"sharpeyes/alerts"
)

// ImportAreas stores the areas of a GeoJSON document, all or none.
func (d *Desk) ImportAreas(ctx context.Context, s alerts.Scope, r io.Reader, format string, system alerts.CoordSystem) (ImportResult, error) {
	return ImportResult{}, errStep
}

// ImportGrids stores the grids of a GeoJSON document, all or none.
func (d *Desk) ImportGrids(ctx context.Context, s alerts.Scope, r io.Reader, format string, system alerts.CoordSystem) (ImportResult, error) {
	return ImportResult{}, errStep
}

// ImportCameras stores the cameras of a CSV or GeoJSON document, all or none.
func (d *Desk) ImportCameras(ctx context.Context, s alerts.Scope, r io.Reader, format string, system alerts.CoordSystem) (ImportResult, error) {
	return ImportResult{}, errStep
}
