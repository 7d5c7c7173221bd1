package api

import (
	"strings"

	"sharpeyes/alerts"

	"golang.org/x/text/language"
)

// words says in Chinese or English what stands in exported lists. What is
// shown on screens is the dashboard's to say.
type words struct{ english bool }

func (w words) of(zh, en string) string {
	if w.english {
		return en
	}
	return zh
}

// wordsFor chooses by an Accept-Language header (RFC 9110, 12.5.4); Chinese
// where it says nothing that is understood.
func wordsFor(accept string) words {
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(tags) == 0 {
		return words{}
	}
	_, i, sure := language.NewMatcher([]language.Tag{language.Chinese, language.English}).Match(tags...)
	return words{english: i == 1 && sure >= language.High}
}

func (w words) yes(v bool) string {
	if v {
		return w.of("是", "yes")
	}
	return w.of("否", "no")
}

func (w words) severity(s alerts.Severity) string {
	switch s {
	case alerts.Critical:
		return w.of("特急", "critical")
	case alerts.High:
		return w.of("紧急", "high")
	case alerts.Medium:
		return w.of("一般", "medium")
	case alerts.Low:
		return w.of("较轻", "low")
	}
	return string(s)
}

func (w words) channel(c alerts.Channel) string {
	switch c {
	case alerts.ByGridLeader:
		return w.of("网格长", "grid leader")
	case alerts.ByOfficer:
		return w.of("值班员", "duty officer")
	case alerts.ByStaff:
		return w.of("工作人员", "staff")
	case alerts.WalkIn:
		return w.of("来访", "walk-in")
	case alerts.Hotline:
		return w.of("热线", "hotline")
	case alerts.ByResident:
		return w.of("群众", "resident")
	case alerts.ByAlarm:
		return w.of("告警", "alarm")
	case alerts.BySystem:
		return w.of("其他系统", "another system")
	}
	return string(c)
}

func (w words) step(s alerts.Step) string {
	switch s {
	case alerts.StepReport:
		return w.of("问题上报", "report")
	case alerts.StepFile:
		return w.of("案卷建立", "file")
	case alerts.StepAssign:
		return w.of("任务指派", "assign")
	case alerts.StepHandle:
		return w.of("调查落实", "handle")
	case alerts.StepFeedback:
		return w.of("处理反馈", "feedback")
	case alerts.StepClosed:
		return w.of("结案归档", "closed")
	}
	return string(s)
}

func (w words) outcome(o alerts.Outcome) string {
	switch o {
	case alerts.Solved:
		return w.of("已解决", "solved")
	case alerts.NotSolved:
		return w.of("未解决", "not solved")
	case alerts.Refused:
		return w.of("不予受理", "refused")
	case alerts.Merged:
		return w.of("已并案", "merged")
	}
	return string(o)
}

// categoryNames returns what tells a category's name by its code.
func (a *API) categoryNames(w words) func(code string) string {
	names := make(map[string]string)
	for _, c := range a.desk.CategoryRules() {
		names[c.Code] = w.of(c.Name, c.NameEn)
	}
	return func(code string) string {
		if n := names[code]; strings.TrimSpace(n) != "" {
			return n
		}
		return code
	}
}
