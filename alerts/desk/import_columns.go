package desk

import "strings"

// column is a column of a sheet of cameras; its value indexes cameraRow.
type column int

const (
	colID column = iota
	colName
	colArea
	colLon
	colLat
	colHeight
	colAzimuth
	colFOV
	colRange
	colClass
	colOwner
	colPurpose
	colFiling
	colRetention
	colMode
	colMain
	colSub
	colUsername
	colPassword
	colTransport
	colRecord
	colRecordProfiles
	colRecordSchedule
	colRecordBefore
	colRecordAfter
	colRecordBytes
	columnCount
)

// columnNames are the names of the columns, in their order.
func columnNames() [columnCount]string {
	return [columnCount]string{"id", "name", "area_id", "lon", "lat", "height_m", "azimuth_deg", "fov_deg", "range_m", "class",
		"owner", "purpose", "filing", "retention_days", "mode", "main_url", "sub_url", "username", "password", "transport",
		"record_mode", "record_profiles", "record_schedule", "record_before_s", "record_after_s", "record_bytes"}
}

// columnAliases are the Chinese headers that are taken, in the same order.
func columnAliases() [columnCount][]string {
	return [columnCount][]string{
		{"编号", "摄像机编号", "点位编号", "设备编号"},
		{"名称", "点位名称", "摄像机名称", "设备名称"},
		{"区域", "区域编号", "所属区域"},
		{"经度"},
		{"纬度"},
		{"高度", "安装高度"},
		{"方位角", "朝向"},
		{"视场角", "水平视场角"},
		{"距离", "有效距离", "可视距离"},
		{"类别", "摄像机类别"},
		{"权属", "权属单位", "所属单位"},
		{"用途"},
		{"备案号"},
		{"保存天数", "留存天数", "存储天数"},
		{"拉流模式", "取流方式"},
		{"主码流", "主码流地址"},
		{"子码流", "子码流地址"},
		{"用户名"},
		{"密码", "口令"},
		{"传输", "传输协议", "传输方式"},
		{"录像模式", "录像方式"},
		{"录像码流"},
		{"录像时间", "录像计划"},
		{"预录秒数", "预录"},
		{"延录秒数", "延录"},
		{"录像容量", "录像容量上限"},
	}
}

// columnFinder finds columns by the names that people give them.
type columnFinder struct {
	byName map[string]column
	all    []string // canonical names first
}

func newColumnFinder() *columnFinder {
	f := &columnFinder{byName: make(map[string]column)}
	for i, name := range columnNames() {
		f.byName[name] = column(i)
		f.all = append(f.all, name)
	}
	for i, aliases := range columnAliases() {
		for _, name := range aliases {
			f.byName[name] = column(i)
			f.all = append(f.all, name)
		}
	}
	return f
}

// find takes a header: case, spaces and a unit in brackets do not matter.
func (f *columnFinder) find(header string) (column, bool) {
	c, ok := f.byName[plainHeader(header)]
	return c, ok
}

func plainHeader(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if i := strings.IndexAny(s, "(（"); i > 0 {
		s = strings.TrimSpace(s[:i])
	}
	return strings.ReplaceAll(s, " ", "_")
}

// hint names what an unknown header may have meant.
func (f *columnFinder) hint(header string) string {
	near, d := nearest(plainHeader(header), f.all)
	if d <= 1 || d <= len([]rune(near))/2 {
		return "did you mean " + near + "?"
	}
	names := columnNames()
	return "the columns are " + strings.Join(names[:], ", ")
}
