package cli

import (
	"context"
	"strings"

	"github.com/liminal-bus/liminal/internal/config"
)

// reloadLoop re-reads the file at each SIGHUP until ctx ends.
func (r *nodeRun) reloadLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.app.hup:
			r.report.reloading()
			r.report.ready(r.reload())
		}
	}
}

// reload applies what can be applied. A bad file changes nothing and is logged
// as config check prints it; trouble says so for a status line.
func (r *nodeRun) reload() (trouble string) {
	now, err := config.Load(config.Options{
		Path: r.cli.String("config"), Getenv: r.env.Getenv, Environ: r.env.Environ(), Home: r.env.Home, Flags: givenSettings(r.cli),
	})
	if err != nil {
		problems := problemLines(err)
		r.log.Error("reload: nothing changed", "problems", strings.Join(problems, "; "))
		return "reload refused: " + strings.Join(problems, "; ")
	}
	tls, err := now.TLS()
	if err != nil {
		e := asError(explainConfig(err, r.cli.Command))
		r.log.Error("reload: nothing changed", "err", e.Message, "why", e.Why, "try", e.Try)
		return "reload refused: " + e.Message
	}
	cookie, err := now.CookieAgain()
	if err == nil {
		err = r.Reload(now.Reloadable())
	}
	if err == nil {
		err = r.setCookie(cookie)
	}
	if err != nil {
		r.log.Error("reload: nothing changed", "err", err)
		return "reload refused: " + err.Error()
	}
	r.logger.set(now, r.env.StderrTTY)
	applied, _ := sortChanges(now.Changed(r.applied))
	_, restart := sortChanges(now.Changed(r.set.Values)) // until it is restarted
	applied, restart = r.reloadTLS(tls, applied, restart)
	r.applied = now
	r.log.Info("reloaded", "file", now.Path, "applied", applied)
	if len(restart) > 0 {
		r.log.Warn("these settings need a restart", "keys", restart)
	}
	return ""
}

// sortChanges splits changed settings into those that a running node takes over
// and those that need a restart.
func sortChanges(changed []config.Value) (applied, restart []string) {
	for _, v := range changed {
		switch {
		case v.Setting.Reload:
			applied = append(applied, v.Setting.Key)
		case v.Setting.Part != config.PartCommand:
			restart = append(restart, v.Setting.Key)
		}
	}
	return applied, restart
}
