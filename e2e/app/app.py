"""An accounts API twice: the way it is often written, and the way it should be.

Under /leaky it returns whole rows, sends tracebacks to callers, has a debug route,
and writes full exchanges and tokens to its logs. Under /fixed stands a twin of each
route that does not. The users and every secret come from the test, which makes new
ones for each run, so that it knows what must not turn up anywhere.

usage: app.py HOST SECRETS.json LOGDIR    (prints "listening on PORT")

SECRETS.json: {"users": [row, ...], "signing_key": "...", "database_url": "..."},
a row having the columns of User and "password".
LOGDIR: receives access.log (one JSON exchange a line) and debug.log (text).
"""
import datetime as dt
import json
import logging
import os
import pathlib
import sys
import time
import traceback

import jwt
from flask import Blueprint, Flask, abort, current_app, g, jsonify, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text
from werkzeug.exceptions import HTTPException
from werkzeug.serving import make_server

db = SQLAlchemy()
access_log = logging.getLogger("access")
debug_log = logging.getLogger("accounts.auth")


class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    internal_id = db.Column(db.String(36))
    username = db.Column(db.String(40), unique=True)
    full_name = db.Column(db.String(80))
    email = db.Column(db.String(80))
    phone = db.Column(db.String(24))
    password_hash = db.Column(db.String(160))
    role = db.Column(db.String(16))
    is_admin = db.Column(db.Boolean)

    def row(self):
        return {c.name: getattr(self, c.name) for c in self.__table__.columns}

    def public(self):
        return {"username": self.username, "full_name": self.full_name}


def issue(user, lifetime):
    now = dt.datetime.now(dt.timezone.utc)
    claims = {"iss": "accounts", "sub": str(user.id), "scope": "profile:read", "exp": now + lifetime}
    return jwt.encode(claims, current_app.config["SECRET_KEY"], algorithm="HS256")


def bearer():
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer":
        abort(401)
    return token


def caller():
    try:
        claims = jwt.decode(bearer(), current_app.config["SECRET_KEY"], algorithms=["HS256"])
    except jwt.PyJWTError:
        abort(401)
    return db.session.get(User, int(claims["sub"]))


def credentials():
    form = request.get_json()
    user = User.query.filter_by(username=form["username"]).first()
    if user is None or current_app.config["PASSWORDS"][user.username] != form["password"]:
        abort(401)
    return user


leaky = Blueprint("leaky", __name__, url_prefix="/leaky")


@leaky.post("/login")  # leak: the row beside the token, which caches may keep
def leaky_login():
    user = credentials()
    token = issue(user, dt.timedelta(hours=1))
    debug_log.debug("login of %s: issued access_token=%s", user.username, token)
    response = jsonify(access_token=token, token_type="bearer", user=user.row())
    response.headers["Cache-Control"] = "public, max-age=60"
    return response


@leaky.get("/profile/<int:uid>")  # leak: the whole row
def leaky_profile(uid):
    debug_log.debug("verifying Authorization: Bearer %s", bearer())
    caller()
    return jsonify(db.get_or_404(User, uid).row())


@leaky.get("/users")  # leak: every row
def leaky_users():
    caller()
    return jsonify(users=[u.row() for u in User.query.order_by(User.id)])


@leaky.get("/report")  # leak: SQL, paths and code reach the caller
def leaky_report():
    return jsonify(total=db.session.execute(text("SELECT total FROM reports WHERE year = 2026")).scalar())


@leaky.get("/debug")  # leak: configuration with its secrets
def leaky_debug():
    names = ("SECRET_KEY", "REPORTS_DATABASE_URL", "SQLALCHEMY_DATABASE_URI", "PROPAGATE_EXCEPTIONS")
    return jsonify(config={name: current_app.config[name] for name in names}, env=sorted(os.environ))


@leaky.errorhandler(Exception)
def leaky_error(err):
    if isinstance(err, HTTPException):
        return jsonify(error=err.name), err.code
    return jsonify(error=type(err).__name__, message=str(err), traceback=traceback.format_exc()), 500


@leaky.after_request
def leaky_access_log(response):  # leak: headers and bodies are written down
    write_access_log(response, {
        "request": {"headers": dict(request.headers), "body": request.get_data(as_text=True)},
        "response": {"headers": dict(response.headers), "body": response.get_data(as_text=True)},
    })
    return response


fixed = Blueprint("fixed", __name__, url_prefix="/fixed")


@fixed.post("/login")
def fixed_login():
    user = credentials()
    debug_log.debug("login of account %d: ok", user.id)
    response = jsonify(access_token=issue(user, dt.timedelta(minutes=5)), token_type="bearer", expires_in=300)
    response.headers["Cache-Control"] = "no-store"
    return response


@fixed.get("/profile/<int:uid>")
def fixed_profile(uid):
    if caller().id != uid:
        abort(404)
    return jsonify(db.get_or_404(User, uid).public())


@fixed.get("/users")
def fixed_users():
    caller()
    page = User.query.order_by(User.id).limit(min(request.args.get("limit", 10, type=int), 20))
    return jsonify(users=[u.public() for u in page])


@fixed.get("/report")
def fixed_report():
    return jsonify(total=db.session.execute(text("SELECT total FROM reports WHERE year = 2026")).scalar())


@fixed.errorhandler(Exception)
def fixed_error(err):
    code = err.code if isinstance(err, HTTPException) else 500
    return jsonify(error="not possible", status=code), code


@fixed.after_request
def fixed_access_log(response):
    write_access_log(response, {})
    return response


def write_access_log(response, more):
    now = dt.datetime.now(dt.timezone.utc)
    access_log.info(json.dumps({
        "time": now.isoformat(), "service": "accounts", "method": request.method, "path": request.path,
        "status": response.status_code, "duration_ms": round((time.monotonic() - g.start) * 1000, 1),
    } | more))


def open_logs(directory):
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # its access log is not the subject
    for logger, name, form in ((access_log, "access.log", "%(message)s"),
                               (debug_log, "debug.log", "%(asctime)s %(levelname)s %(name)s %(message)s")):
        handler = logging.FileHandler(directory / name)
        handler.setFormatter(logging.Formatter(form))
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False


def make_app(secrets):
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=secrets["signing_key"], REPORTS_DATABASE_URL=secrets["database_url"],
        SQLALCHEMY_DATABASE_URI="sqlite:///:memory:",
        PASSWORDS={row["username"]: row.pop("password") for row in secrets["users"]})
    db.init_app(app)
    app.register_blueprint(leaky)
    app.register_blueprint(fixed)
    app.before_request(lambda: setattr(g, "start", time.monotonic()))
    # What no blueprint knows (a debug route that is not there) gets a generic answer.
    app.register_error_handler(HTTPException, lambda err: (jsonify(error="not possible", status=err.code), err.code))
    with app.app_context():
        db.create_all()
        db.session.add_all(User(**row) for row in secrets["users"])
        db.session.commit()
    return app


def main(host, secrets, directory):
    open_logs(pathlib.Path(directory))
    server = make_server(host, 0, make_app(json.loads(pathlib.Path(secrets).read_text())), threaded=True)
    print("listening on", server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
