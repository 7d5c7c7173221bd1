/// <reference types="geojson" />
